// All lines of the scene in one draw: each is a quad between two points,
// widened on the screen, with its own colour, width and dash.

import { Color, Float32BufferAttribute, InstancedBufferGeometry, InstancedBufferAttribute, Mesh, ShaderMaterial, Vector2 } from 'three';

export interface Line {
  a: readonly [number, number, number];
  b: readonly [number, number, number];
  colour: string;
  width: number;
  /** Pixels of a dash and of the space after it; 0 draws the line through. */
  dash?: number;
  alpha?: number;
}

export function makeLines(): { mesh: Mesh; set(lines: readonly Line[]): void; size(width: number, height: number): void } {
  const geometry = new InstancedBufferGeometry();
  geometry.setAttribute('position', new Float32BufferAttribute([0, -1, 0, 1, -1, 0, 1, 1, 0, 0, 1, 0], 3));
  geometry.setIndex([0, 1, 2, 0, 2, 3]);
  const material = new ShaderMaterial({
    transparent: true,
    depthWrite: false,
    uniforms: { view: { value: new Vector2(1, 1) } },
    vertexShader: `
      attribute vec3 a; attribute vec3 b; attribute vec4 paint; attribute vec2 style;
      uniform vec2 view; varying vec4 vPaint; varying float vAlong; varying float vDash;
      void main() {
        vec4 p = modelViewMatrix * vec4(a, 1.0);
        vec4 q = modelViewMatrix * vec4(b, 1.0);
        // An end behind the eye is brought to just before it, so the direction on the screen stays right.
        float near = -0.05;
        if (p.z > near && q.z < near) p = mix(q, p, (near - q.z) / (p.z - q.z));
        if (q.z > near && p.z < near) q = mix(p, q, (near - p.z) / (q.z - p.z));
        vec4 c = projectionMatrix * p; vec4 d = projectionMatrix * q;
        vec2 u = c.xy / c.w * view * 0.5; vec2 v = d.xy / d.w * view * 0.5;
        vec2 along = v - u; float len = length(along);
        vec2 side = len > 0.0 ? vec2(-along.y, along.x) / len : vec2(0.0, 1.0);
        vec4 at = position.x < 0.5 ? c : d;
        at.xy += side * position.y * style.x / view * at.w;
        // Drawn a little nearer than they are, so that lines on the ground are not cut by it.
        at.z -= 0.0006 * at.w;
        gl_Position = at; vPaint = paint; vAlong = position.x * len; vDash = style.y;
      }`,
    fragmentShader: `
      varying vec4 vPaint; varying float vAlong; varying float vDash;
      void main() {
        if (vDash > 0.0 && mod(vAlong, 2.0 * vDash) > vDash) discard;
        gl_FragColor = vPaint;
        #include <colorspace_fragment>
      }`,
  });
  const mesh = new Mesh(geometry, material);
  mesh.frustumCulled = false;
  mesh.renderOrder = 3;
  return {
    mesh,
    set(lines) {
      const n = lines.length;
      const a = new Float32Array(3 * n);
      const b = new Float32Array(3 * n);
      const paint = new Float32Array(4 * n);
      const style = new Float32Array(2 * n);
      const c = new Color();
      let painted = '';
      lines.forEach((l, i) => {
        // The frame's east, north, up become the x, y, z of the drawing.
        a.set([l.a[0], l.a[2], -l.a[1]], 3 * i);
        b.set([l.b[0], l.b[2], -l.b[1]], 3 * i);
        if (l.colour !== painted) c.set((painted = l.colour));
        paint.set([c.r, c.g, c.b, l.alpha ?? 1], 4 * i);
        style.set([l.width, l.dash ?? 0], 2 * i);
      });
      geometry.setAttribute('a', new InstancedBufferAttribute(a, 3));
      geometry.setAttribute('b', new InstancedBufferAttribute(b, 3));
      geometry.setAttribute('paint', new InstancedBufferAttribute(paint, 4));
      geometry.setAttribute('style', new InstancedBufferAttribute(style, 2));
      geometry.instanceCount = n;
      mesh.visible = n > 0;
    },
    size: (w, h) => (material.uniforms['view']!.value as Vector2).set(w, h),
  };
}
