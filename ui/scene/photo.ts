// The photo seen from its own camera, over the model.

import { Mesh, PlaneGeometry, SRGBColorSpace, ShaderMaterial, Texture, Vector2, Vector4 } from 'three';

/** The photo over the view from its own camera, undistorted in the shader so that it fits the pinhole drawing of the model. */
export function makePhoto() {
  const material = new ShaderMaterial({
    transparent: true,
    depthTest: false,
    depthWrite: false,
    uniforms: { photo: { value: null }, alpha: { value: 0.5 }, box: { value: new Vector4() }, view: { value: new Vector2(1, 1) }, f: { value: 1 }, pp: { value: new Vector2() }, size: { value: new Vector2(1, 1) }, k1: { value: 0 } },
    vertexShader: 'varying vec2 vAt; void main() { vAt = position.xy * 0.5 + 0.5; gl_Position = vec4(position.xy, 0.0, 1.0); }',
    fragmentShader: `uniform sampler2D photo; uniform float alpha; uniform vec4 box; uniform vec2 view; uniform float f; uniform vec2 pp; uniform vec2 size; uniform float k1; varying vec2 vAt;
      void main() {
        vec2 px = (vec2(vAt.x, 1.0 - vAt.y) * view - box.xy) / box.z;
        vec2 x = (px - pp) / f;
        float r2 = dot(x, x);
        if (k1 < 0.0 && r2 > -1.0 / (3.0 * k1)) discard;
        vec2 uv = (x * (1.0 + k1 * r2) * f + pp) / size;
        if (uv.x < 0.0 || uv.y < 0.0 || uv.x > 1.0 || uv.y > 1.0) discard;
        gl_FragColor = vec4(texture2D(photo, vec2(uv.x, 1.0 - uv.y)).rgb, alpha);
        #include <colorspace_fragment>
      }`,
  });
  const mesh = new Mesh(new PlaneGeometry(2, 2), material);
  mesh.frustumCulled = false;
  mesh.renderOrder = 10;
  mesh.visible = false;
  let texture: Texture | null = null;
  let address: string | null = null;
  return {
    mesh,
    show(url: string | null, lens: { width: number; height: number; focal_px: number; principal_point: readonly [number, number]; k1?: number }, box: { x: number; y: number; scale: number }, w: number, h: number, alpha: number, done: () => void) {
      const u = material.uniforms;
      (u['box']!.value as Vector4).set(box.x, box.y, box.scale, 0);
      (u['view']!.value as Vector2).set(w, h);
      (u['pp']!.value as Vector2).set(...lens.principal_point);
      (u['size']!.value as Vector2).set(lens.width, lens.height);
      u['f']!.value = lens.focal_px;
      u['k1']!.value = lens.k1 ?? 0;
      u['alpha']!.value = alpha;
      if (url === address) {
        mesh.visible = !!texture;
        return;
      }
      address = url;
      texture?.dispose();
      texture = null;
      mesh.visible = false;
      if (!url) return;
      const img = new Image();
      img.onload = () => {
        if (address !== url) return;
        texture = new Texture(img);
        texture.colorSpace = SRGBColorSpace;
        texture.needsUpdate = true;
        u['photo']!.value = texture;
        mesh.visible = true;
        done();
      };
      img.src = url;
    },
    opacity: (a: number) => void (material.uniforms['alpha']!.value = a),
    hide() {
      mesh.visible = false;
      address = null;
      texture?.dispose();
      texture = null;
    },
  };
}
