/** A numbered disc and the place that it stands for, in pixels. */
export interface Marker {
  code: string;
  rank: number;
  /** The place. */
  x: number;
  y: number;
}

/** A marker that has moved aside for others. */
export interface PlacedMarker extends Marker {
  /** Where the disc is drawn. */
  shownX: number;
  shownY: number;
}

/** Radius of a numbered disc in pixels. */
export const MARKER_RADIUS = 7;

/** Rounds of pushing; ten discs in one place are apart after fewer. */
const ROUNDS = 60;

/** Moves discs that overlap away from each other, so that every number can be read in a crowd such as Europe. */
export function spreadMarkers(markers: Marker[]): PlacedMarker[] {
  const placed = markers.map((marker) => ({ ...marker, shownX: marker.x, shownY: marker.y }));
  for (let round = 0, moved = true; moved && round < ROUNDS; round++) {
    moved = false;
    placed.forEach((one, i) => {
      placed.slice(i + 1).forEach((other) => {
        moved = pushApart(one, other) || moved;
      });
    });
  }
  return placed;
}

function pushApart(one: PlacedMarker, other: PlacedMarker): boolean {
  const gap = 2 * MARKER_RADIUS + 1;
  let dx = other.shownX - one.shownX;
  let dy = other.shownY - one.shownY;
  let distance = Math.hypot(dx, dy);
  if (distance >= gap - 0.01) {
    return false;
  }
  if (distance === 0) {
    // Two in the same place leave it in a direction that depends on their ranks, so that a third leaves in another.
    [dx, dy, distance] = [Math.cos(other.rank), Math.sin(other.rank), 1];
    one.shownX -= dx * 0.5;
    one.shownY -= dy * 0.5;
    other.shownX += dx * 0.5;
    other.shownY += dy * 0.5;
  }
  const push = (gap - distance) / 2 / distance;
  one.shownX -= dx * push;
  one.shownY -= dy * push;
  other.shownX += dx * push;
  other.shownY += dy * push;
  return true;
}
