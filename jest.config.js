// A fixed zone, so that no test depends on the machine's.
process.env.TZ = 'UTC';

/** Packages that ship ES modules only, which Jest has to translate. */
const esModules = [
  '@grafana/schema',
  '@grafana/scenes',
  '@grafana/react-data-grid',
  '@leeoniya/ufuzzy',
  '@react-hookz/web',
  '@ver0/deep-equal',
  'd3',
  'd3-[a-z-]+',
  'delaunator',
  'internmap',
  'robust-predicates',
  'marked',
  'ol',
  'earcut',
  'pbf',
  'quick-lru',
  'quickselect',
  'rbush',
  'unzipit',
  'uwrap',
  'web-worker',
  'zarrita',
  '@zarrita/storage',
  'numcodecs',
  'reference-spec-reader',
  'react-calendar',
  'get-user-locale',
  'memoize',
  'mimic-function',
  '@wojtekmaj/date-utils',
  'react-colorful',
  'rxjs',
  'uuid',
];

module.exports = {
  roots: ['<rootDir>/src'],
  testEnvironment: 'jsdom',
  // jsdom's own conditions, and the one under which the d3 packages ship something else than ES modules.
  testEnvironmentOptions: { customExportConditions: ['browser', 'umd'] },
  setupFilesAfterEnv: ['<rootDir>/jest.setup.ts'],
  moduleNameMapper: { '\\.css$': 'identity-obj-proxy' },
  transform: {
    '\\.[jt]sx?$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', tsx: true },
          transform: { react: { runtime: 'automatic' } },
        },
      },
    ],
  },
  // The components of Grafana are slow to draw in jsdom.
  testTimeout: 60_000,
  transformIgnorePatterns: [`/node_modules/(?!(.*/)?(${esModules.join('|')})/)`],
};
