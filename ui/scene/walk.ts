// On foot and in the air: where one looks, and what held keys do.

import { Vector3, type PerspectiveCamera } from 'three';
import type CameraControls from 'camera-controls';
import type { SceneMode } from './handle.ts';

/** Height of the eye above the ground, metres. */
export const EYE_HEIGHT = 1.65;

export function makeWalk(camera: PerspectiveCamera, controls: CameraControls, groundAt: (e: number, n: number) => number) {
  const held = new Set<string>();
  let yaw = 0;
  let pitch = 0;

  function look(): void {
    const c = Math.cos(pitch);
    camera.lookAt(camera.position.x + Math.sin(yaw) * c, camera.position.y + Math.sin(pitch), camera.position.z - Math.cos(yaw) * c);
  }
  /** Puts the eye above the ground where the camera is. */
  function stand(): void {
    camera.position.y = groundAt(camera.position.x, -camera.position.z) + EYE_HEIGHT;
  }
  return {
    held,
    look,
    stand,
    get yaw() {
      return yaw;
    },
    get pitch() {
      return pitch;
    },
    /** Looks into a direction: clockwise from north and upwards, radians. */
    turn(toYaw: number, toPitch: number) {
      yaw = toYaw;
      pitch = Math.min(1.4, Math.max(-1.4, toPitch));
      look();
    },
    /** Moves by what is held for so many seconds; false when nothing is. */
    move(dt: number, m: SceneMode): boolean {
      if (!held.size) return false;
      const f = (held.has('KeyW') || held.has('ArrowUp') ? 1 : 0) - (held.has('KeyS') || held.has('ArrowDown') ? 1 : 0);
      const s = (held.has('KeyD') ? 1 : 0) - (held.has('KeyA') ? 1 : 0);
      const r = (held.has('ArrowRight') ? 1 : 0) - (held.has('ArrowLeft') ? 1 : 0);
      const u = (held.has('PageUp') || held.has('KeyE') ? 1 : 0) - (held.has('PageDown') || held.has('KeyQ') ? 1 : 0);
      if (m === 'orbit' || m === 'top') {
        const d = camera.position.distanceTo(controls.getTarget(new Vector3()));
        if (held.has('Shift')) void controls.truck(r * d * 0.6 * dt, -f * d * 0.6 * dt, false);
        else void controls.rotate(-r * dt * 1.2, -f * dt * 0.8, false);
        if (u) void controls.dolly(u * d * dt, false);
        return true;
      }
      const speed = (m === 'walk' ? 1.4 : 12) * (held.has('Shift') ? 4 : 1) * dt * (m === 'walk' ? 2 : 1);
      yaw += r * dt * 1.4;
      const c = m === 'fly' ? Math.cos(pitch) : 1;
      camera.position.x += (Math.sin(yaw) * c * f + Math.cos(yaw) * s) * speed;
      camera.position.z += (-Math.cos(yaw) * c * f + Math.sin(yaw) * s) * speed;
      if (m === 'fly') camera.position.y += (Math.sin(pitch) * f + u) * speed;
      if (m === 'walk') stand();
      look();
      return true;
    },
  };
}
