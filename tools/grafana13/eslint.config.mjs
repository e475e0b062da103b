import parser from '@typescript-eslint/parser';
import typescript from '@typescript-eslint/eslint-plugin';
import { defineConfig } from 'eslint/config';

/** Finds what this folder's Grafana and React mark as deprecated. */
export default defineConfig([
  {
    files: ['src/**/*.{ts,tsx}'],
    // The pages are made by another library, when the project is built.
    ignores: ['src/dashboards/**'],
    languageOptions: { parser, parserOptions: { project: './tools/grafana13/tsconfig.json' } },
    plugins: { '@typescript-eslint': typescript },
    linterOptions: { reportUnusedDisableDirectives: 'off' },
    rules: { '@typescript-eslint/no-deprecated': 'error' },
  },
]);
