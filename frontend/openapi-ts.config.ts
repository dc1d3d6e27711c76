import { defineConfig } from '@hey-api/openapi-ts';

/** The client of the API, from the document that the Go types make. Not edited by hand. */
export default defineConfig({
  input: 'openapi.json',
  output: { path: 'src/api/generated' },
  plugins: [
    { name: '@hey-api/client-fetch', throwOnError: true, runtimeConfigPath: '../client-config' },
    '@hey-api/typescript',
    '@hey-api/sdk',
    '@tanstack/react-query',
  ],
});
