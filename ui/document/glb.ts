// A reader of the binary glTF files of a scene folder: triangles, normals,
// colours, texture coordinates and the extras of each node. Everything is
// checked before it reaches a graphics card: a mesh may come from a stranger.
// What the Go program writes is covered; compressions are refused.

export interface GlbPart {
  name: string;
  /** x = east, y = up, z = -north, metres. */
  positions: Float32Array;
  normals: Float32Array | null;
  uvs: Float32Array | null;
  /** Bytes per vertex, rgba. */
  colours: Uint8Array | null;
  indices: Uint16Array | Uint32Array;
  /** Linear rgb of the material, 0 to 1. */
  colour: [number, number, number];
  image: { bytes: Uint8Array; type: string } | null;
  extras: Record<string, unknown>;
}

export const GLB_LIMITS = { bytes: 256 << 20, triangles: 5_000_000, parts: 20_000 };

interface Gltf {
  asset?: { version?: string };
  nodes?: { name?: string; mesh?: number; matrix?: number[]; translation?: number[]; rotation?: number[]; scale?: number[]; children?: number[]; extras?: Record<string, unknown> }[];
  scenes?: { nodes?: number[] }[];
  scene?: number;
  meshes?: { name?: string; primitives?: { attributes?: Record<string, number>; indices?: number; material?: number; mode?: number; extensions?: object }[] }[];
  materials?: { pbrMetallicRoughness?: { baseColorFactor?: number[]; baseColorTexture?: { index?: number } } }[];
  textures?: { source?: number }[];
  images?: { bufferView?: number; mimeType?: string; uri?: string }[];
  accessors?: { bufferView?: number; byteOffset?: number; componentType?: number; count?: number; type?: string; normalized?: boolean; sparse?: object }[];
  bufferViews?: { buffer?: number; byteOffset?: number; byteLength?: number; byteStride?: number; extensions?: object }[];
  buffers?: { byteLength?: number; uri?: string }[];
  extensionsRequired?: string[];
}

const WIDTH: Record<string, number> = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };
const SIZE: Record<number, number> = { 5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4 };

export function readGlb(buffer: ArrayBuffer): GlbPart[] {
  const fail = (why: string): never => {
    throw new Error('the model cannot be read: ' + why);
  };
  if (buffer.byteLength > GLB_LIMITS.bytes) fail('it is larger than 256 MiB');
  const v = new DataView(buffer);
  if (buffer.byteLength < 20 || v.getUint32(0, true) !== 0x46546c67 || v.getUint32(4, true) !== 2) fail('it is not a binary glTF 2.0 file');
  const jsonLength = v.getUint32(12, true);
  if (v.getUint32(16, true) !== 0x4e4f534a || 20 + jsonLength > buffer.byteLength) fail('its description is cut short');
  let doc: Gltf = {};
  try {
    doc = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, jsonLength))) as Gltf;
  } catch {
    fail('its description is damaged');
  }
  let bin = new Uint8Array(0);
  const at = 20 + jsonLength;
  if (at + 8 <= buffer.byteLength) {
    const n = v.getUint32(at, true);
    if (at + 8 + n > buffer.byteLength) fail('its data is cut short');
    bin = new Uint8Array(buffer, at + 8, n);
  }
  if (doc.extensionsRequired?.length) fail('it needs ' + doc.extensionsRequired.join(', '));
  if (doc.buffers?.some((b) => b.uri !== undefined)) fail('it refers to another file');

  const view = (i: number | undefined) => {
    const b = doc.bufferViews?.[i ?? -1];
    if (!b || (b.buffer ?? 0) !== 0) return fail('a buffer view is missing');
    const offset = b.byteOffset ?? 0;
    const length = b.byteLength ?? 0;
    if (offset < 0 || length < 0 || offset + length > bin.byteLength) return fail('a buffer view lies outside the data');
    return { offset, length, stride: b.byteStride ?? 0 };
  };
  const accessor = (i: number) => {
    const a = doc.accessors?.[i];
    if (!a || a.sparse) return fail('an accessor is missing or sparse');
    const width = WIDTH[a.type ?? ''];
    const size = SIZE[a.componentType ?? 0];
    const count = a.count ?? 0;
    if (!width || !size || !Number.isInteger(count) || count < 0 || count > 3 * GLB_LIMITS.triangles) return fail('an accessor has no known shape');
    const b = view(a.bufferView);
    const stride = b.stride || width * size;
    const start = a.byteOffset ?? 0;
    if (count > 0 && start + (count - 1) * stride + width * size > b.length) return fail('an accessor lies outside its view');
    return { offset: bin.byteOffset + b.offset + start, stride, width, size, count, type: a.componentType! };
  };
  const floats = (i: number, want: number): Float32Array => {
    const a = accessor(i);
    if (a.type !== 5126 || a.width !== want) return fail('coordinates are not 32-bit floats');
    const out = new Float32Array(a.count * a.width);
    for (let k = 0; k < a.count; k++) for (let j = 0; j < a.width; j++) {
      const x = v.getFloat32(a.offset + k * a.stride + 4 * j, true);
      if (!Number.isFinite(x)) return fail('a coordinate is not a number');
      out[k * a.width + j] = x;
    }
    return out;
  };

  const parts: GlbPart[] = [];
  let triangles = 0;
  const visit = (index: number, depth: number, seen: Set<number>): void => {
    const node = doc.nodes?.[index];
    if (!node || seen.has(index) || depth > 32) return fail('its nodes do not form a tree');
    seen.add(index);
    if (node.matrix || node.translation || node.rotation || node.scale) fail('a node is moved; meshes of a scene are in the frame of the scene');
    const mesh = node.mesh === undefined ? undefined : doc.meshes?.[node.mesh];
    for (const p of mesh?.primitives ?? []) {
      if ((p.mode ?? 4) !== 4 || p.attributes?.['POSITION'] === undefined) continue;
      const positions = floats(p.attributes['POSITION'], 3);
      const n = positions.length / 3;
      let indices: Uint16Array | Uint32Array;
      if (p.indices === undefined) indices = Uint32Array.from({ length: n }, (_, k) => k);
      else {
        const a = accessor(p.indices);
        if (a.width !== 1 || ![5121, 5123, 5125].includes(a.type)) fail('its indices have no known type');
        indices = n < 65_535 ? new Uint16Array(a.count) : new Uint32Array(a.count);
        for (let k = 0; k < a.count; k++) {
          const o = a.offset + k * a.stride;
          const x = a.type === 5125 ? v.getUint32(o, true) : a.type === 5123 ? v.getUint16(o, true) : v.getUint8(o);
          if (x >= n) fail('an index points past the last vertex');
          indices[k] = x;
        }
      }
      if (indices.length % 3) fail('its indices are not triangles');
      triangles += indices.length / 3;
      if (triangles > GLB_LIMITS.triangles || parts.length >= GLB_LIMITS.parts) fail('it has too many triangles or parts');
      const optional = (name: string, width: number) => (p.attributes![name] === undefined ? null : floats(p.attributes![name]!, width));
      const normals = optional('NORMAL', 3);
      const uvs = optional('TEXCOORD_0', 2);
      if ((normals && normals.length !== 3 * n) || (uvs && uvs.length !== 2 * n)) fail('its attributes differ in length');
      let colours: Uint8Array | null = null;
      const c = p.attributes['COLOR_0'];
      if (c !== undefined) {
        const a = accessor(c);
        if (a.type === 5121 && a.width === 4 && a.count === n) {
          colours = new Uint8Array(4 * n);
          for (let k = 0; k < n; k++) for (let j = 0; j < 4; j++) colours[4 * k + j] = v.getUint8(a.offset + k * a.stride + j);
        }
      }
      const pbr = doc.materials?.[p.material ?? -1]?.pbrMetallicRoughness;
      const base = pbr?.baseColorFactor ?? [1, 1, 1, 1];
      let image: GlbPart['image'] = null;
      const img = doc.images?.[doc.textures?.[pbr?.baseColorTexture?.index ?? -1]?.source ?? -1];
      if (img && uvs) {
        if (img.bufferView === undefined || !/^image\/(jpeg|png)$/.test(img.mimeType ?? '')) fail('a texture is not a JPEG or PNG inside the file');
        const b = view(img.bufferView);
        image = { bytes: bin.slice(b.offset, b.offset + b.length), type: img.mimeType! };
      }
      parts.push({ name: node.name ?? mesh?.name ?? '', positions, normals, uvs, colours, indices, colour: [base[0] ?? 1, base[1] ?? 1, base[2] ?? 1], image, extras: node.extras ?? {} });
    }
    for (const child of node.children ?? []) visit(child, depth + 1, seen);
  };
  const seen = new Set<number>();
  for (const i of doc.scenes?.[doc.scene ?? 0]?.nodes ?? []) visit(i, 0, seen);
  return parts;
}
