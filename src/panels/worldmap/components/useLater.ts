import { useEffect, useState } from 'react';

/** Returns a value so many frames after it was given, at least one; until then the one before, undefined at first. */
export function useLater<T extends object>(value: T, frames: number): T | undefined {
  const [later, setLater] = useState<T>();
  useEffect(() => {
    let left = frames;
    let frame = requestAnimationFrame(function next() {
      left--;
      if (left === 0) {
        setLater(value);
      } else {
        frame = requestAnimationFrame(next);
      }
    });
    return () => cancelAnimationFrame(frame);
  }, [value, frames]);
  return later;
}
