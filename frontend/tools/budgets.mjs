// Checks what a person has to load: JavaScript, gzip, in kB of 1000 bytes.
// Run after a build; reads dist/manifest.json.
import { existsSync, readFileSync, statSync } from 'node:fs';

const manifest = JSON.parse(readFileSync('dist/manifest.json', 'utf8'));
const size = (file) => {
  const zipped = `dist/${file}.gz`;
  return statSync(existsSync(zipped) ? zipped : `dist/${file}`).size / 1000;
};

/** A chunk and everything that it needs at once. */
function closure(key, seen = new Set()) {
  if (!seen.has(key)) {
    seen.add(key);
    for (const next of manifest[key].imports ?? []) {
      closure(next, seen);
    }
  }
  return seen;
}
const total = (keys) => [...keys].reduce((sum, key) => sum + size(manifest[key].file), 0);
const minus = (a, b) => new Set([...a].filter((key) => !b.has(key)));

const entry = closure('index.html');
const app = closure('src/app/app.tsx');
const shown = new Set([...entry, ...app]);
const results = [];
const judge = (name, kilobytes, budget) => results.push({ name, kilobytes, budget, over: kilobytes > budget });

judge('sign-in', total(entry), 200);
const overview = 'src/features/overview/overview-page.tsx';
judge('overview', total(new Set([...shown, ...closure(overview)])), 300);
for (const [key, chunk] of Object.entries(manifest)) {
  // A page, or where app puts one together of several features.
  if (/^src\/(features|app)\/.*-(page|route)\.tsx$/.test(key) && chunk.isDynamicEntry && key !== overview) {
    judge(key.replace(/.*\/(.*)-(page|route)\.tsx/, 'page $1'), total(minus(closure(key), shown)), 120);
  }
  if (key === 'src/ui/code/code-mirror.tsx') {
    judge('editor', total(minus(closure(key), shown)), 180);
  }
  if (/elk-worker|layout\.worker/.test(key) || /elk-worker|layout\.worker/.test(chunk.file)) {
    judge('layout worker', size(chunk.file), 480);
  }
}
for (const { name, kilobytes, budget, over } of results) {
  process.stdout.write(
    `${over ? 'OVER ' : '     '}${name.padEnd(28)} ${kilobytes.toFixed(1).padStart(7)} of ${budget} kB\n`,
  );
}
// What is called otherwise now would go unjudged.
const missing = ['page topology', 'page service', 'editor', 'layout worker'].filter(
  (name) => !results.some((r) => r.name === name),
);
if (missing.length > 0) {
  process.stderr.write(`not found in the build, correct tools/budgets.mjs: ${missing.join(', ')}\n`);
  process.exit(1);
}
process.exit(results.some((r) => r.over) ? 1 : 0);
