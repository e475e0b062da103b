import '@testing-library/jest-dom';
import { TextDecoder, TextEncoder } from 'node:util';

import { createElement as mockCreateElement, type SVGProps } from 'react';

// What Grafana's components need of a browser and jsdom does not have.
Object.assign(globalThis, { TextDecoder, TextEncoder });

window.matchMedia = (media) =>
  ({
    matches: false,
    media,
    addEventListener: () => {},
    removeEventListener: () => {},
    addListener: () => {},
    removeListener: () => {},
  }) as unknown as MediaQueryList;

class NoObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
Object.assign(globalThis, { IntersectionObserver: NoObserver, ResizeObserver: NoObserver });

// The choices measure their text with a canvas.
HTMLCanvasElement.prototype.getContext = (() => ({
  measureText: (text: string) => ({ width: 8 * text.length }),
})) as unknown as HTMLCanvasElement['getContext'];

// The option lists draw only the rows that fit, so they need a size.
Object.defineProperties(Element.prototype, {
  clientHeight: { value: 1000 },
  clientWidth: { value: 1000 },
});

// Icons are fetched from Grafana's server; here only their titles and what one can do with them are drawn.
jest.mock('react-inlinesvg', () => ({
  __esModule: true,
  default: ({ title, className, role, tabIndex, onClick }: SVGProps<SVGSVGElement> & { title?: string }) =>
    mockCreateElement('svg', { 'aria-label': title, className, role, tabIndex, onClick }),
}));
