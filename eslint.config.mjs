import grafanaConfig from '@grafana/eslint-config';
import { defineConfig, globalIgnores } from 'eslint/config';

export default defineConfig([
  globalIgnores(['**/dist/', '**/coverage/', 'bin/', 'pkg/', 'playwright-report/', 'test-results/']),
  ...grafanaConfig,
  { rules: { 'react/react-in-jsx-scope': 'off' } },
  {
    files: ['src/**/*.{ts,tsx}'],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      '@typescript-eslint/no-deprecated': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
    },
  },
]);
