import { resolve } from 'node:path';

/** Top folder of the repository. */
export const root = resolve(__dirname, '../../..');
