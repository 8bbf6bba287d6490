// A photo thrown on the model from its own camera. Per fragment: into the
// camera, distorted by the lens, refused beyond the radius where the
// distortion stops growing; seen only where the depth drawn from the same
// place says that nothing stands before it. What is inside the picture but
// hidden is tinted, so that nobody takes unpainted for empty.

import { DepthTexture, DoubleSide, Matrix4, MeshBasicMaterial, NearestFilter, Object3D, PerspectiveCamera, SRGBColorSpace, Texture, Vector2, Vector4, WebGLRenderTarget, type Scene, type WebGLRenderer } from 'three';
import { rotationOf, undistort, type Pose } from '../kernel/camera.ts';

/** The uniforms of all projectors, by the names that the shader has for them. */
export type ProjectorUniforms = Record<string, { value: unknown }>;

interface Own {
  on: { value: number };
  photo: { value: Texture | null };
  depth: { value: Texture | null };
  view: { value: Matrix4 };
  /** f, k1, alpha, bias scale. */
  lens: { value: Vector4 };
  principal: { value: Vector2 };
  size: { value: Vector2 };
  /** Half width and height of the depth picture, in units of depth. */
  half: { value: Vector2 };
}

/** So many photos lie on the model at once; a weak device carries one. */
export const PROJECTORS = 4;

const NEAR = 0.2;
const FAR = 4000;

/**
 * What n projectors do to a surface. Where several photos see a place, the one
 * that looks at it more squarely and from nearer counts more.
 */
export const projectorGlsl = (n: number): string => {
  const each = (f: (k: number) => string) => Array.from({ length: n }, (_, k) => f(k)).join('\n');
  return /* glsl */ `
  ${each((k) => `uniform float castOn${k}; uniform sampler2D castPhoto${k}; uniform sampler2D castDepth${k}; uniform mat4 castView${k}; uniform vec4 castLens${k}; uniform vec2 castPrincipal${k}; uniform vec2 castSize${k}; uniform vec2 castHalf${k};`)}
  float castSeen = 0.0;
  // Colour, and how much of the place this photo sees; below 0 when it is outside the picture.
  vec4 castOne(sampler2D photo, sampler2D depth, mat4 view, vec4 lens, vec2 principal, vec2 size, vec2 halves, vec3 place, vec3 normal, out float weight) {
    weight = 0.0;
    vec3 c = (view * vec4(place, 1.0)).xyz;
    if (c.z <= ${NEAR.toFixed(2)}) return vec4(-1.0);
    vec2 x = c.xy / c.z;
    float r2 = dot(x, x);
    if (lens.y < 0.0 && r2 > -1.0 / (3.0 * lens.y)) return vec4(-1.0);
    vec2 uv = (x * (1.0 + lens.y * r2) * lens.x + principal) / size;
    if (uv.x < 0.0 || uv.y < 0.0 || uv.x > 1.0 || uv.y > 1.0) return vec4(-1.0);
    float facing = max(abs(dot(mat3(view) * normal, normalize(c))), 0.05);
    float texel = 2.0 * max(halves.x, halves.y) * c.z / 1024.0;
    float bias = (0.15 + 0.004 * c.z + texel / facing) * lens.w;
    vec2 at = vec2(x.x / halves.x, -x.y / halves.y) * 0.5 + 0.5;
    float seen = 0.0;
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++) {
      float d = texture2D(depth, at + vec2(float(i), float(j)) / 1024.0).r * 2.0 - 1.0;
      float z = 2.0 * ${NEAR.toFixed(1)} * ${FAR.toFixed(1)} / (${(FAR + NEAR).toFixed(1)} - d * ${(FAR - NEAR).toFixed(1)});
      seen += c.z <= z + bias ? 1.0 : 0.0;
    }
    seen /= 9.0;
    weight = seen * facing / c.z;
    return vec4(texture2D(photo, vec2(uv.x, 1.0 - uv.y)).rgb, seen);
  }
  vec3 castOver(vec3 base, vec3 place) {
    vec3 normal = normalize(cross(dFdx(place), dFdy(place)));
    vec3 sum = vec3(0.0); float weights = 0.0; float best = 0.0; float within = 0.0; float alpha = 0.0;
    ${each((k) => `if (castOn${k} > 0.5) {
      float weight;
      vec4 one = castOne(castPhoto${k}, castDepth${k}, castView${k}, castLens${k}, castPrincipal${k}, castSize${k}, castHalf${k}, place, normal, weight);
      if (one.a >= 0.0) { within = 1.0; alpha = castLens${k}.z; best = max(best, one.a); sum += one.rgb * weight; weights += weight; }
    }`)}
    if (within < 0.5) return base;
    castSeen = best * alpha;
    vec3 tint = mix(base, base * vec3(1.25, 0.72, 0.68), 0.8);
    vec3 photo = weights > 0.0 ? sum / weights : base;
    return mix(tint, mix(base, photo, alpha), best);
  }
`;
};

/** The projectors of a scene, numbered as in the shader. */
export function makeProjectors(n: number) {
  const all = Array.from({ length: n }, makeProjector);
  const uniforms: ProjectorUniforms = {};
  all.forEach((p, k) => {
    for (const [name, u] of Object.entries(p.uniforms)) uniforms['cast' + name[0]!.toUpperCase() + name.slice(1) + k] = u;
  });
  return { all, uniforms };
}

function makeProjector() {
  const uniforms: Own = {
    on: { value: 0 }, photo: { value: null }, depth: { value: null }, view: { value: new Matrix4() }, lens: { value: new Vector4(1, 0, 1, 1) },
    principal: { value: new Vector2() }, size: { value: new Vector2(1, 1) }, half: { value: new Vector2(1, 1) },
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
    opacity: (a: number) => void (uniforms.lens.value.z = a),
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
      uniforms.view.value.set(...row(0), ...row(3), ...row(6), 0, 0, 0, 1);
      const k1 = pose.k1 ?? 0;
      let hx = 0;
      let hy = 0;
      for (let i = 0; i <= 16; i++) for (const [u, v] of [[(pose.width * i) / 16, 0], [(pose.width * i) / 16, pose.height], [0, (pose.height * i) / 16], [pose.width, (pose.height * i) / 16]] as const) {
        const d = [(u - pose.principal_point[0]) / pose.focal_px, (v - pose.principal_point[1]) / pose.focal_px] as const;
        const [x, y] = undistort(d[0], d[1], k1) ?? d;
        hx = Math.max(hx, Math.abs(x));
        hy = Math.max(hy, Math.abs(y));
      }
      uniforms.half.value.set(hx, hy);
      uniforms.lens.value.set(pose.focal_px, k1, uniforms.lens.value.z, 1 + accuracy);
      uniforms.principal.value.set(...pose.principal_point);
      uniforms.size.value.set(pose.width, pose.height);
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
      uniforms.on.value = 0;
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
      uniforms.depth.value = target.depthTexture;
      const img = new Image();
      img.onload = () => {
        if (asked !== key) return;
        photo?.dispose();
        photo = new Texture(img);
        photo.colorSpace = SRGBColorSpace;
        photo.needsUpdate = true;
        uniforms.photo.value = photo;
        uniforms.on.value = 1;
        done();
      };
      img.src = url;
    },
    hide(): void {
      asked = '';
      uniforms.on.value = 0;
    },
    dispose(): void {
      photo?.dispose();
      target.dispose();
      flat.dispose();
    },
  };
}
