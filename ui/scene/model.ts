// The model of the place: meshes with a look that says how they are known.
// In certainty view, measured surfaces are solid, derived ones light, those
// from plans hatched and conjectural ones hatched with wire edges; the ground
// carries contour lines and, where it is invented, a grid.

import { BufferAttribute, BufferGeometry, Color, DoubleSide, EdgesGeometry, Group, LineBasicMaterial, LineSegments, Mesh, MeshLambertMaterial, SRGBColorSpace, Texture } from 'three';
import type { GlbPart } from '../document/glb.ts';
import type { SceneLayer } from '../document/scene.ts';
import { projectorGlsl, type ProjectorUniforms } from './projector.ts';
import type { Palette } from '../document/dom.ts';
import type { Certainty } from '../document/types.ts';

export interface ModelLook {
  certainty: boolean;
  palette: Palette;
  low: boolean;
}
interface Uniforms {
  certainty: { value: number };
  hatch: { value: number };
  contour: { value: number };
  line: { value: Color };
  pixel: { value: number };
}

export interface Model {
  group: Group;
  meshes: Mesh[];
  /** Edges of the solids, as pairs of points in the axes of the drawing, each with the thing and the layer it belongs to. */
  wires: { positions: ArrayLike<number>; object: string; layer: string }[];
  look(l: ModelLook): void;
  layer(id: string, shown: boolean): void;
  pixelRatio(r: number): void;
  dispose(): void;
}

const SURFACE = /* glsl */ `
  #include <opaque_fragment>
  float fw = max(fwidth(vPlace.y), 1e-5);
  if (contour > 0.0) {
    float h = vPlace.y / contour;
    float d = abs(fract(h - 0.5) - 0.5) / (fw / contour);
    float major = step(abs(fract(h / 5.0 - 0.5 + 1e-4) - 0.5), 0.12);
    // A level pad that lies on a contour height has no contour line: it would be one everywhere.
    float slope = fw / max(length(fwidth(vPlace.xz)), 1e-6);
    float fade = (1.0 - smoothstep(0.25, 0.7, fw / contour)) * smoothstep(0.004, 0.02, slope);
    gl_FragColor.rgb = mix(gl_FragColor.rgb, line, (1.0 - smoothstep(0.3 * pixel, 1.0 * pixel, d)) * fade * mix(0.22, 0.55, major));
    if (certainty > 0.5 && hatch > 1.5) {
      vec2 g = vPlace.xz / 20.0; vec2 w = max(fwidth(g), vec2(1e-5)); vec2 e = abs(fract(g - 0.5) - 0.5) / w;
      float net = (1.0 - smoothstep(0.2 * pixel, 0.8 * pixel, min(e.x, e.y))) * (1.0 - smoothstep(0.08, 0.25, max(w.x, w.y)));
      gl_FragColor.rgb = mix(gl_FragColor.rgb, line, net * 0.16);
    }
  } else if (certainty > 0.5 && hatch > 0.5) {
    float s = mod(gl_FragCoord.x + gl_FragCoord.y, 6.0 * pixel);
    gl_FragColor.rgb *= s < 1.1 * pixel ? 0.78 : 1.0;
  }
  gl_FragColor.rgb = castOver(gl_FragColor.rgb, vPlace);
`;

/** The haze of the distance stays off what a photo shows: its colours are evidence. */
const FOG = /* glsl */ `
  #ifdef USE_FOG
    gl_FragColor.rgb = mix(gl_FragColor.rgb, fogColor, smoothstep(fogNear, fogFar, vFogDepth) * (1.0 - castSeen));
  #endif
`;

/** Where the contour lines lie apart: a round number of metres for the relief of the scene. */
export const contourStep = (relief: number): number => [0.5, 1, 2, 5, 10, 20, 50, 100].find((s) => relief / s <= 80) ?? 200;

export function makeModel(layers: { layer: SceneLayer; parts: GlbPart[] }[], first: ModelLook, cast: ProjectorUniforms, projectors: number): Model {
  const castGlsl = projectorGlsl(projectors);
  const group = new Group();
  const meshes: Mesh[] = [];
  const dressed: { material: MeshLambertMaterial; uniforms: Uniforms; kind: string; cls: Certainty; own: Color; textured: boolean }[] = [];
  const wires: { lines: LineSegments; cls: Certainty; kind: string }[] = [];
  let low = Infinity;
  let high = -Infinity;
  for (const { layer, parts } of layers) {
    if (layer.type !== 'terrain') continue;
    for (const p of parts) for (let i = 1; i < p.positions.length; i += 3) {
      low = Math.min(low, p.positions[i]!);
      high = Math.max(high, p.positions[i]!);
    }
  }
  const step = contourStep(high > low ? high - low : 20);

  for (const { layer, parts } of layers) {
    const sheet = new Group();
    sheet.name = layer.id;
    for (const p of parts) {
      const kind = String(p.extras['kind'] ?? (layer.type === 'terrain' ? 'terrain' : 'solid'));
      const cls = (p.extras['class'] as Certainty | undefined) || layer.class;
      const geometry = new BufferGeometry();
      geometry.setAttribute('position', new BufferAttribute(p.positions, 3));
      if (p.normals) geometry.setAttribute('normal', new BufferAttribute(p.normals, 3));
      if (p.uvs) geometry.setAttribute('uv', new BufferAttribute(p.uvs, 2));
      geometry.setIndex(new BufferAttribute(p.indices, 1));
      if (!p.normals) geometry.computeVertexNormals();
      const uniforms: Uniforms = { certainty: { value: 1 }, hatch: { value: 0 }, contour: { value: kind === 'terrain' ? step : 0 }, line: { value: new Color() }, pixel: { value: 1 } };
      const material = new MeshLambertMaterial({ side: DoubleSide, flatShading: kind === 'solid' && !p.extras['smooth'] });
      if (kind === 'road') {
        material.polygonOffset = true;
        material.polygonOffsetFactor = -2;
        material.polygonOffsetUnits = -2;
      }
      if (p.image && p.uvs) {
        const map = new Texture();
        map.colorSpace = SRGBColorSpace;
        map.flipY = false;
        void createImageBitmap(new Blob([p.image.bytes as BlobPart], { type: p.image.type })).then((b) => {
          map.image = b;
          map.needsUpdate = true;
          material.map = map;
          material.needsUpdate = true;
        }, () => {});
      }
      material.onBeforeCompile = (shader) => {
        Object.assign(shader.uniforms, uniforms, cast);
        shader.vertexShader = shader.vertexShader.replace('#include <common>', 'varying vec3 vPlace;\n#include <common>').replace('#include <begin_vertex>', '#include <begin_vertex>\nvPlace = (modelMatrix * vec4(position, 1.0)).xyz;');
        shader.fragmentShader = shader.fragmentShader
          .replace('#include <common>', 'varying vec3 vPlace; uniform float certainty; uniform float hatch; uniform float contour; uniform vec3 line; uniform float pixel;\n#include <common>\n' + castGlsl)
          .replace('#include <opaque_fragment>', SURFACE)
          .replace('#include <fog_fragment>', FOG);
      };
      const mesh = new Mesh(geometry, material);
      mesh.castShadow = kind === 'solid';
      mesh.receiveShadow = true;
      mesh.userData = { object: p.extras['object'] ?? '', layer: layer.id };
      mesh.name = p.name;
      sheet.add(mesh);
      meshes.push(mesh);
      dressed.push({ material, uniforms, kind, cls, own: new Color(...p.colour), textured: !!(p.image && p.uvs) });
      if (kind === 'solid' && p.extras['outline'] !== false && p.indices.length < 90_000) {
        const lines = new LineSegments(new EdgesGeometry(geometry, 20), new LineBasicMaterial({ transparent: true }));
        lines.renderOrder = 1;
        sheet.add(lines);
        lines.userData = { ...mesh.userData };
        wires.push({ lines, cls, kind });
      }
    }
    group.add(sheet);
  }

  const model: Model = {
    group,
    meshes,
    wires: wires.map((w) => ({ positions: w.lines.geometry.getAttribute('position').array, object: String(w.lines.userData['object'] ?? ''), layer: String(w.lines.userData['layer'] ?? '') })),
    look({ certainty, palette: p }) {
      for (const d of dressed) {
        d.uniforms.certainty.value = certainty ? 1 : 0;
        d.uniforms.hatch.value = d.cls === 'conjectural' ? 2 : d.cls === 'from_plans' ? 1 : 0;
        d.uniforms.line.value.set(p.contour);
        if (d.textured && !certainty) d.material.color.set('#FFFFFF');
        else if (d.kind === 'terrain') d.material.color.set(p.terrain);
        else if (d.kind === 'road') d.material.color.set(p.contour);
        else if (d.kind === 'solid' && certainty) d.material.color.set(p.mass).multiplyScalar(d.cls === 'measured' ? 0.62 : d.cls === 'derived' ? 0.85 : 1);
        else d.material.color.copy(d.own);
      }
      for (const w of wires) {
        const m = w.lines.material as LineBasicMaterial;
        m.color.set(p.text);
        m.opacity = certainty && w.cls !== 'measured' ? 0.9 : 0.45;
      }
    },
    layer(id, shown) {
      const sheet = group.children.find((c) => c.name === id);
      if (sheet) sheet.visible = shown;
    },
    pixelRatio(r) {
      for (const d of dressed) d.uniforms.pixel.value = r;
    },
    dispose() {
      group.traverse((o) => {
        if (o instanceof Mesh || o instanceof LineSegments) {
          o.geometry.dispose();
          (o.material as MeshLambertMaterial).map?.dispose();
          (o.material as MeshLambertMaterial).dispose();
        }
      });
    },
  };
  model.look(first);
  return model;
}
