/** Countries, or rows of a table, that are drawn in one task, so that it takes no longer than a frame. */
const TOGETHER = 40;

/** Cuts a list into the parts that are drawn in a task each. */
export function partsOf<T>(all: T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / TOGETHER) }, (_, i) =>
    all.slice(i * TOGETHER, (i + 1) * TOGETHER)
  );
}
