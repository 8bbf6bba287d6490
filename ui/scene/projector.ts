// A photo thrown on the model from its own camera. Per fragment: into the
// camera, distorted by the lens, refused beyond the radius where the
// distortion stops growing; seen only where the depth drawn from the same
// place says that nothing stands before it. What is inside the picture but
// hidden is tinted, so that nobody takes unpainted for empty.

import { DepthTexture, DoubleSide, Matrix4, MeshBasicMaterial, NearestFilter, Object3D, PerspectiveCamera, SRGBColorSpace, Texture, Vector2, Vector4, WebGLRenderTarget, type Scene, type WebGLRenderer } from 'three';
import { rotationOf, undistort, type Pose } from '../kernel/camera.ts';

export interface ProjectorUniforms {
  castOn: { value: number };
  castPhoto: { value: Texture | null };
  castDepth: { value: Texture | null };
  castView: { value: Matrix4 };
  /** f, k1, alpha, bias scale. */
  castLens: { value: Vector4 };
  castPrincipal: { value: Vector2 };
  castSize: { value: Vector2 };
  /** Half width and height of the depth picture, in units of depth. */
  castHalf: { value: Vector2 };
}

const NEAR = 0.2;
const FAR = 4000;

export const PROJECTOR_GLSL = /* glsl */ `
  uniform float castOn; uniform sampler2D castPhoto; uniform sampler2D castDepth; uniform mat4 castView; uniform vec4 castLens; uniform vec2 castPrincipal; uniform vec2 castSize; uniform vec2 castHalf;
  float castSeen = 0.0;
  vec3 castOver(vec3 base, vec3 place) {
    vec3 c = (castView * vec4(place, 1.0)).xyz;
    vec3 dx = dFdx(c); vec3 dy = dFdy(c);
    if (castOn < 0.5 || c.z <= ${NEAR.toFixed(2)}) return base;
    vec2 x = c.xy / c.z;
    float r2 = dot(x, x);
    if (castLens.y < 0.0 && r2 > -1.0 / (3.0 * castLens.y)) return base;
    vec2 uv = (x * (1.0 + castLens.y * r2) * castLens.x + castPrincipal) / castSize;
    if (uv.x < 0.0 || uv.y < 0.0 || uv.x > 1.0 || uv.y > 1.0) return base;
    vec3 n = normalize(cross(dx, dy));
    float facing = max(abs(dot(n, normalize(c))), 0.05);
    float texel = 2.0 * max(castHalf.x, castHalf.y) * c.z / 1024.0;
    float bias = (0.15 + 0.004 * c.z + texel / facing) * castLens.w;
    vec2 at = vec2(x.x / castHalf.x, -x.y / castHalf.y) * 0.5 + 0.5;
    float seen = 0.0;
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++) {
      float d = texture2D(castDepth, at + vec2(float(i), float(j)) / 1024.0).r * 2.0 - 1.0;
      float z = 2.0 * ${NEAR.toFixed(1)} * ${FAR.toFixed(1)} / (${(FAR + NEAR).toFixed(1)} - d * ${(FAR - NEAR).toFixed(1)});
      seen += c.z <= z + bias ? 1.0 : 0.0;
    }
    seen /= 9.0;
    castSeen = seen * castLens.z;
    vec3 photo = texture2D(castPhoto, vec2(uv.x, 1.0 - uv.y)).rgb;
    vec3 tint = mix(base, base * vec3(1.25, 0.72, 0.68), 0.8);
    return mix(tint, mix(base, photo, castLens.z), seen);
  }
`;

export function makeProjector() {
  const uniforms: ProjectorUniforms = {
    castOn: { value: 0 }, castPhoto: { value: null }, castDepth: { value: null }, castView: { value: new Matrix4() }, castLens: { value: new Vector4(1, 0, 1, 1) },
    castPrincipal: { value: new Vector2() }, castSize: { value: new Vector2(1, 1) }, castHalf: { value: new Vector2(1, 1) },
  };
  const target = new WebGLRenderTarget(1024, 1024);
  target.depthTexture = new DepthTexture(1024, 1024);
  target.depthTexture.minFilter = target.depthTexture.magFilter = NearestFilter;
  const flat = new MeshBasicMaterial({ side: DoubleSide, colorWrite: false });
  const eye = new PerspectiveCamera();
  let photo: Texture | null = null;
  let asked = '';

  return {
    uniforms,
    opacity: (a: number) => void (uniforms.castLens.value.z = a),
    /** Draws the depth from the camera and throws the picture; accuracy of the model in metres widens what counts as touching. */
    show(renderer: WebGLRenderer, scene: Scene, hide: Object3D[], pose: Pose, url: string, accuracy: number, done: () => void): void {
      const key = url + JSON.stringify(pose);
      if (asked === key) return;
      asked = key;
      const R = rotationOf(pose.rotation);
      const C = pose.position;
      const row = (i: number): [number, number, number, number] => {
        const [a, b, c] = [R[i]!, R[i + 1]!, R[i + 2]!];
        return [a, c, -b, -(a * C[0] + b * C[1] + c * C[2])];
      };
      uniforms.castView.value.set(...row(0), ...row(3), ...row(6), 0, 0, 0, 1);
      const k1 = pose.k1 ?? 0;
      let hx = 0;
      let hy = 0;
      for (let i = 0; i <= 16; i++) for (const [u, v] of [[(pose.width * i) / 16, 0], [(pose.width * i) / 16, pose.height], [0, (pose.height * i) / 16], [pose.width, (pose.height * i) / 16]] as const) {
        const d = [(u - pose.principal_point[0]) / pose.focal_px, (v - pose.principal_point[1]) / pose.focal_px] as const;
        const [x, y] = undistort(d[0], d[1], k1) ?? d;
        hx = Math.max(hx, Math.abs(x));
        hy = Math.max(hy, Math.abs(y));
      }
      uniforms.castHalf.value.set(hx, hy);
      uniforms.castLens.value.set(pose.focal_px, k1, uniforms.castLens.value.z, 1 + accuracy);
      uniforms.castPrincipal.value.set(...pose.principal_point);
      uniforms.castSize.value.set(pose.width, pose.height);
      eye.position.set(C[0], C[2], -C[1]);
      const to = (i: number, s: number) => [s * R[i]!, s * R[i + 2]!, -s * R[i + 1]!] as const;
      const m = new Matrix4();
      const [r, u, b] = [to(0, 1), to(3, -1), to(6, -1)];
      m.set(r[0], u[0], b[0], 0, r[1], u[1], b[1], 0, r[2], u[2], b[2], 0, 0, 0, 0, 1);
      eye.quaternion.setFromRotationMatrix(m);
      eye.updateMatrixWorld();
      eye.projectionMatrix.makePerspective(-hx * NEAR, hx * NEAR, hy * NEAR, -hy * NEAR, NEAR, FAR);
      eye.projectionMatrixInverse.copy(eye.projectionMatrix).invert();
      const shown = hide.map((o) => o.visible);
      for (const o of hide) o.visible = false;
      uniforms.castOn.value = 0;
      const [background, shadows] = [scene.background, renderer.shadowMap.needsUpdate];
      scene.background = null;
      scene.overrideMaterial = flat;
      renderer.setRenderTarget(target);
      renderer.clear();
      renderer.render(scene, eye);
      renderer.setRenderTarget(null);
      scene.overrideMaterial = null;
      scene.background = background;
      renderer.shadowMap.needsUpdate = shadows || renderer.shadowMap.enabled;
      hide.forEach((o, i) => (o.visible = shown[i]!));
      uniforms.castDepth.value = target.depthTexture;
      const img = new Image();
      img.onload = () => {
        if (asked !== key) return;
        photo?.dispose();
        photo = new Texture(img);
        photo.colorSpace = SRGBColorSpace;
        photo.needsUpdate = true;
        uniforms.castPhoto.value = photo;
        uniforms.castOn.value = 1;
        done();
      };
      img.src = url;
    },
    hide(): void {
      asked = '';
      uniforms.castOn.value = 0;
    },
    dispose(): void {
      photo?.dispose();
      target.dispose();
      flat.dispose();
    },
  };
}
