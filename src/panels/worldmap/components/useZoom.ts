import { select } from 'd3-selection';
import 'd3-transition';
import { zoom, type ZoomBehavior, zoomIdentity, type ZoomTransform } from 'd3-zoom';
import { useCallback, useEffect, useRef, useState } from 'react';

/** How far one can zoom in; beyond it the outlines show their corners. */
const DEEPEST = 24;

/** Duration in ms of a zoom by button or key. */
const DURATION = 200;

interface Zoom {
  /** The map; null before it is drawn. */
  svg: SVGSVGElement | null;
  /** To be given to the map as its ref. */
  setSvg: (svg: SVGSVGElement | null) => void;
  transform: ZoomTransform;
  /** Zooms around the middle by a factor. */
  zoomBy: (factor: number) => void;
  reset: () => void;
}

/** Lets wheel, pinch and drag zoom and pan a map of the given size; a double click resets it. */
export function useZoom(width: number, height: number): Zoom {
  const [svg, setSvg] = useState<SVGSVGElement | null>(null);
  const [transform, setTransform] = useState<ZoomTransform>(zoomIdentity);
  const behaviour = useRef<ZoomBehavior<SVGSVGElement, unknown>>(undefined);

  const reset = useCallback(() => {
    if (svg && behaviour.current) {
      select(svg).transition().duration(duration()).call(behaviour.current.transform, zoomIdentity);
    }
  }, [svg]);

  const zoomBy = useCallback(
    (factor: number) => {
      if (svg && behaviour.current) {
        select(svg).transition().duration(duration()).call(behaviour.current.scaleBy, factor);
      }
    },
    [svg]
  );

  useEffect(() => {
    if (!svg) {
      return;
    }
    const selection = select(svg);
    const area: [[number, number], [number, number]] = [
      [0, 0],
      [width, height],
    ];
    let scale = 1;
    const created = zoom<SVGSVGElement, unknown>()
      .extent(area)
      .translateExtent(area)
      .scaleExtent([1, DEEPEST])
      // One finger on the whole map scrolls the page, on a part of it the map.
      .filter((event: MouseEvent | TouchEvent) =>
        'touches' in event ? event.touches.length > 1 || scale > 1 : !event.button
      )
      .on('zoom', ({ transform: next }: { transform: ZoomTransform }) => {
        scale = next.k;
        setTransform(next);
      });
    behaviour.current = created;
    selection.call(created).call(created.transform, zoomIdentity).on('dblclick.zoom', reset);
    return () => {
      selection.on('.zoom', null).interrupt();
    };
  }, [svg, width, height, reset]);

  return { svg, setSvg, transform, zoomBy, reset };
}

function duration(): number {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : DURATION;
}
