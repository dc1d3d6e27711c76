import { defineConfig } from '@playwright/test';

/** The browser suite: every spec looks at one real mesh, which global-setup starts and ends. */
export default defineConfig({
  testDir: './e2e',
  outputDir: './e2e/.results',
  globalSetup: './e2e/global-setup.ts',
  // One mesh, one page at a time: the specs change what the others would see.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  globalTimeout: 15 * 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    // Set by global-setup, and read again by the process that runs the specs.
    ...(process.env.HEDDLE_UI_CONSOLE ? { baseURL: process.env.HEDDLE_UI_CONSOLE } : {}),
    viewport: { width: 1440, height: 900 },
    locale: 'en-US',
    contextOptions: { reducedMotion: 'reduce' },
    screenshot: 'only-on-failure',
    launchOptions: {
      // Containers and root have no user namespaces for the browser's own sandbox; it meets only our pages.
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
      ...(process.env.CHROMIUM ? { executablePath: process.env.CHROMIUM } : {}),
    },
  },
});
