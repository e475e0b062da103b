// Builds dist/index.js (ES module) and dist/streamlens-beacon.js (for a script tag, global StreamlensBeacon),
// prints their sizes and fails when the second is over its limit.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

// Bytes after gzip that the script may have: it is loaded by every viewer of every page.
const sizeLimit = 6 * 1024;

const folder = fileURLToPath(new URL('.', import.meta.url));
rmSync(join(folder, 'dist'), { recursive: true, force: true });

// ES2017 is what the web engines of televisions from 2018 on understand.
const common = {
  absWorkingDir: folder,
  entryPoints: ['src/index.ts'],
  bundle: true,
  target: 'es2017',
  sourcemap: true,
};
await build({ ...common, format: 'esm', outfile: 'dist/index.js' });
await build({
  ...common,
  format: 'iife',
  globalName: 'StreamlensBeacon',
  minify: true,
  outfile: 'dist/streamlens-beacon.js',
});

for (const file of ['dist/index.js', 'dist/streamlens-beacon.js']) {
  const content = readFileSync(join(folder, file));
  console.log(`${file}: ${content.length} bytes, ${gzipSync(content).length} with gzip`);
}
if (gzipSync(readFileSync(join(folder, 'dist/streamlens-beacon.js'))).length > sizeLimit) {
  throw new Error(`dist/streamlens-beacon.js is over ${sizeLimit} bytes with gzip`);
}
