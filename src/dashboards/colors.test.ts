import { createTheme } from '@grafana/data';

import { names, palette, rest } from '../../pkg/widget/colors.json';
import { LOOKS } from './looks';

type Triple = [number, number, number];

/**
 * What eyes make of linear RGB: those that lack the receptors for red, and those for green. By Machado, Oliveira and
 * Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009, severity 1.
 */
const EYES: Record<string, Triple[]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
};

/** Linear RGB to the cube roots of Oklab, and these to Oklab; by Ottosson, "A perceptual color space", 2020. */
const TO_CONES: Triple[] = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const TO_LAB: Triple[] = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];

/** Least distance of two colours in hundredths of Oklab; about 2 can just be seen side by side. */
const LEAST = 8;

function times(matrix: Triple[], [a, b, c]: Triple): Triple {
  return matrix.map((row) => row[0] * a + row[1] * b + row[2] * c) as Triple;
}

function linear(hex: string): Triple {
  return [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Triple;
}

function seen(hex: string, eyes: Triple[]): Triple {
  const light = times(eyes, linear(hex)).map((part) => Math.min(1, Math.max(0, part))) as Triple;
  return times(TO_LAB, times(TO_CONES, light).map(Math.cbrt) as Triple);
}

describe.each(['light', 'dark'] as const)('in the %s theme', (mode) => {
  const { visualization } = createTheme({ colors: { mode } });

  test.each(Object.entries(EYES))('the palette can be told apart: %s', (_, eyes) => {
    const colors = palette.map((name) => seen(visualization.getColorByName(name), eyes));
    const near = palette.flatMap((one, i) =>
      palette.slice(i + 1).flatMap((other, n) => {
        const [a, b] = [colors[i], colors[i + 1 + n]];
        const distance = 100 * Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
        return distance < LEAST ? [`${one} and ${other}: ${distance.toFixed(1)}`] : [];
      })
    );
    expect(near).toEqual([]);
  });
});

/** Columns that are drawn beside each other. */
const BESIDE = [
  ['playout', 'ingest'],
  ['viewers', 'serverViewers'],
  ['median', 'average'],
  ['median', 'p95'],
  ['average', 'p95'],
  ['count', 'fatal'],
];

test.each(BESIDE)('%s and %s are told apart', (one, other) => {
  for (const mode of ['light', 'dark'] as const) {
    const { visualization } = createTheme({ colors: { mode } });
    for (const eyes of Object.values(EYES)) {
      const [a, b] = [one, other].map((name) => seen(visualization.getColorByName(LOOKS[name].color!), eyes));
      expect(100 * Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])).toBeGreaterThan(LEAST);
    }
  }
});

test('every colour is one of Grafana, and no name stands twice', () => {
  const { visualization } = createTheme();
  for (const name of [...palette, rest]) {
    expect(visualization.getColorByName(name)).toMatch(/^#/);
  }
  for (const list of Object.values(names)) {
    expect(new Set(list).size).toBe(list.length);
  }
});
