// The search tree for rays, apart so that it loads after the first picture:
// until then a ray goes through all triangles.

import { MeshBVH, acceleratedRaycast } from 'three-mesh-bvh';
import type { Mesh } from 'three';

/** Builds the tree of a mesh once; a tree of the same shape is not built again. */
export function plant(mesh: Mesh): void {
  if (mesh.geometry.boundsTree) return;
  mesh.geometry.boundsTree = new MeshBVH(mesh.geometry);
  mesh.raycast = acceleratedRaycast;
}
