import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { ClientRequest } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/**
 * PatternFly's CSS comes with each lazy chunk, so file order does not hold. In a
 * cascade layer of its own it always loses to ours. Its fonts are not used.
 */
const layerPatternFly = (): Plugin => ({
  name: 'layer-patternfly',
  enforce: 'pre',
  transform(code, id) {
    if (!/@patternfly\/.*\.css(\?|$)/.test(id)) {
      return null;
    }
    const styles = code.replace(/@charset[^;]*;/g, '').replace(/@font-face\s*\{[^}]*\}/g, '');
    return { code: `@layer pf {\n${styles}\n}`, map: null };
  },
});

/**
 * The editor's library writes its styles into a style element, which the content security
 * policy forbids: the document adopts them as a sheet instead, as shadow roots do.
 */
const adoptEditorStyles = (): Plugin => ({
  name: 'adopt-editor-styles',
  apply: 'build',
  transform(code, id) {
    if (!id.endsWith('/style-mod/src/style-mod.js')) {
      return null;
    }
    const adopted = code.replace('!root.head && root.adoptedStyleSheets', 'root.adoptedStyleSheets');
    if (adopted === code) {
      this.error('style-mod no longer chooses between an element and a sheet here');
    }
    return { code: adopted, map: null };
  },
});

/** Writes a .br and a .gz beside each file that gains by it, so that the server compresses nothing. */
const precompress = (): Plugin => ({
  name: 'precompress',
  apply: 'build',
  async writeBundle(options) {
    const dir = options.dir ?? 'dist';
    const files = (await readdir(dir, { recursive: true })).filter((f) => /\.(js|css|html|svg|json)$/.test(f));
    await Promise.all(
      files.map(async (file) => {
        const plain = await readFile(join(dir, file));
        if (plain.length < 1024) {
          return;
        }
        const br = await promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
        await writeFile(join(dir, `${file}.br`), br);
        await writeFile(join(dir, `${file}.gz`), await promisify(gzip)(plain, { level: 9 }));
      }),
    );
  },
});

/**
 * Removes what earlier builds left in dist, once the new files lie there: a compiler that
 * embeds the folder meanwhile finds a whole console. The marker lets the program be built
 * without one.
 */
const sweep = (): Plugin => {
  let began = 0;
  return {
    name: 'sweep',
    apply: 'build',
    buildStart() {
      began = Date.now();
    },
    async closeBundle() {
      const entries = await readdir('dist', { recursive: true, withFileTypes: true });
      for (const entry of entries) {
        const file = join(entry.parentPath, entry.name);
        if (entry.isFile() && entry.name !== '.gitkeep' && (await stat(file)).mtimeMs < began) {
          await rm(file);
        }
      }
    },
  };
};

/** The running mesh that `make dev` works against. */
const mesh = process.env.HEDDLE_CONSOLE ?? 'http://127.0.0.1:20001';

export default defineConfig({
  plugins: [layerPatternFly(), adoptEditorStyles(), react(), sweep(), precompress()],
  build: {
    emptyOutDir: false,
    assetsInlineLimit: 0, // the content security policy allows no data: fonts
    manifest: 'manifest.json',
    modulePreload: { polyfill: false },
    target: 'es2022',
    chunkSizeWarningLimit: 2000, // tools/budgets.mjs judges
  },
  server: {
    port: 20002,
    strictPort: true,
    proxy: {
      '/api': {
        target: mesh,
        ws: true,
        changeOrigin: true,
        // The server compares Origin with its own address.
        configure: (proxy) => {
          for (const event of ['proxyReq', 'proxyReqWs'] as const) {
            proxy.on(event, (request: ClientRequest) => {
              if (request.getHeader('origin')) {
                request.setHeader('origin', mesh);
              }
            });
          }
        },
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/testing/setup.ts'],
    restoreMocks: true,
    testTimeout: 60_000, // a loaded machine is slow, not wrong
    css: false,
  },
});
