// Builds the ES modules of the package, and for script tags one file for each adapter, which adds its function to the
// global StreamlensBeacon. Prints the sizes of those and fails when one is over the limit.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

// Bytes after gzip that a script may have: it is loaded by every viewer of every page.
const sizeLimit = 6.5 * 1024;

/** Module of each script. */
const scripts = {
  'streamlens-beacon': 'index',
  'streamlens-beacon-hlsjs': 'adapters/hlsjs',
  'streamlens-beacon-dashjs': 'adapters/dashjs',
  'streamlens-beacon-shaka': 'adapters/shaka',
  'streamlens-beacon-videojs': 'adapters/videojs',
  'streamlens-beacon-nanoplayer': 'adapters/nanoplayer',
  'streamlens-beacon-webcaster': 'adapters/webcaster',
  'streamlens-beacon-webrtc': 'adapters/webrtc',
};

const folder = fileURLToPath(new URL('.', import.meta.url));
rmSync(join(folder, 'dist'), { recursive: true, force: true });

// ES2017 is what the web engines of televisions from 2018 on understand.
const common = { absWorkingDir: folder, bundle: true, target: 'es2017', sourcemap: true };

await build({
  ...common,
  entryPoints: Object.values(scripts).map((module) => `src/${module}.ts`),
  outbase: 'src',
  outdir: 'dist',
  format: 'esm',
  splitting: true,
});

const sizes = [];
for (const [name, module] of Object.entries(scripts)) {
  const outfile = `dist/${name}.js`;
  await build({
    ...common,
    stdin: {
      contents: `import * as beacon from './src/${module}';
        window.StreamlensBeacon = Object.assign(window.StreamlensBeacon || {}, beacon);`,
      resolveDir: folder,
    },
    format: 'iife',
    minify: true,
    outfile,
  });
  const content = readFileSync(join(folder, outfile));
  sizes.push({ script: `${name}.js`, bytes: content.length, gzip: gzipSync(content).length });
}
for (const { script, bytes, gzip } of sizes) {
  console.log(`${script.padEnd(34)}${String(bytes).padStart(6)} bytes, ${gzip} with gzip`);
}
for (const { script, gzip } of sizes) {
  if (gzip > sizeLimit) {
    throw new Error(`${script} is over ${sizeLimit} bytes with gzip`);
  }
}
