// The marks of places: one draw call for all of them.

import { BufferAttribute, BufferGeometry, Color, Points, ShaderMaterial, type Vector3 } from 'three';

/** Evidence markers: one draw, rings of constant size on the screen, hollow where the place is approximate. */
export function makeMarkers() {
  const geometry = new BufferGeometry();
  const material = new ShaderMaterial({
    transparent: true,
    depthTest: false,
    depthWrite: false,
    uniforms: { ratio: { value: 1 }, mark: { value: new Color() }, ground: { value: new Color() }, select: { value: new Color() } },
    vertexShader: 'attribute vec2 kind; uniform float ratio; varying vec2 vKind; void main() { gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); gl_PointSize = (kind.x > 0.5 ? 17.0 : 13.0) * ratio; vKind = kind; }',
    fragmentShader: `uniform vec3 mark; uniform vec3 ground; uniform vec3 select; varying vec2 vKind;
      void main() {
        float r = length(gl_PointCoord - 0.5) * 2.0;
        if (r > 1.0) discard;
        vec3 c = vKind.x > 0.5 ? select : mark;
        float ring = smoothstep(0.5, 0.58, r) * (1.0 - smoothstep(0.78, 0.86, r));
        vec3 inside = vKind.x > 0.5 || vKind.y < 0.5 ? c : ground;
        float core = 1.0 - smoothstep(0.46, 0.54, r);
        vec3 col = mix(ground, c, ring);
        if (core > 0.0) col = mix(col, inside, core);
        gl_FragColor = vec4(col, 1.0 - smoothstep(0.9, 1.0, r));
        #include <colorspace_fragment>
      }`,
  });
  const points = new Points(geometry, material);
  points.frustumCulled = false;
  points.renderOrder = 5;
  return {
    points,
    size: (r: number) => void (material.uniforms['ratio']!.value = r),
    set(marks: { at: Vector3; chosen: boolean; approx: boolean }[], mark: string, ground: string, select: string) {
      const p = new Float32Array(3 * marks.length);
      const k = new Float32Array(2 * marks.length);
      marks.forEach((m, i) => {
        p.set([m.at.x, m.at.y, m.at.z], 3 * i);
        k.set([m.chosen ? 1 : 0, m.approx ? 1 : 0], 2 * i);
      });
      geometry.setAttribute('position', new BufferAttribute(p, 3));
      geometry.setAttribute('kind', new BufferAttribute(k, 2));
      (material.uniforms['mark']!.value as Color).set(mark);
      (material.uniforms['ground']!.value as Color).set(ground);
      (material.uniforms['select']!.value as Color).set(select);
    },
  };
}
