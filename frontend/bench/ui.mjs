// How much of the main thread the topology costs with many services: medians of five, in CPU time
// as the browser counts it, on the built console. Run by make bench-ui.
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { chromium } from '@playwright/test';
import { graph } from './graph.mjs';
import { serve } from './server.mjs';

const runs = 5;
const small = { services: 10, calls: 14, namespaces: 2 };
const many = { services: 300, calls: 1200, namespaces: 12 };
const most = { services: 2000, calls: 8000, namespaces: 80 };

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** Main-thread CPU of the page until now, in milliseconds. */
async function spent(devtools) {
  const { metrics } = await devtools.send('Performance.getMetrics');
  return metrics.find((m) => m.name === 'TaskDuration').value * 1000;
}

/** Waits until nothing has been drawn or run for a moment. */
async function rest(page, devtools) {
  for (let before = -1, now = 0; now - before > 1; ) {
    before = await spent(devtools);
    await page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
    now = await spent(devtools);
  }
}

/** The CPU of what `act` causes, once all of it is done. */
async function cost(page, devtools, act) {
  const before = await spent(devtools);
  await act();
  await rest(page, devtools);
  return (await spent(devtools)) - before;
}

/** A page that counts its CPU time; its browser remembers where cards stood. */
async function open(context) {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  return { page, devtools };
}

/** The CPU of opening the topology, when its places are known; the median, and the last page. */
async function opened(context, server, mesh, address, cards) {
  server.show(graph(mesh));
  const costs = [];
  for (let run = -1; ; run++) {
    const { page, devtools } = await open(context);
    const took = await cost(page, devtools, async () => {
      await page.goto(`${server.address}${address}`);
      await page.waitForFunction((n) => document.querySelectorAll('[data-card]').length >= n, cards, {
        timeout: 120_000,
      });
    });
    if (run >= 0) {
      costs.push(took); // the first run finds the places
    }
    if (costs.length === runs) {
      return { costs, page, devtools };
    }
    await page.close();
  }
}

/** The CPU of a patch that changes every figure. */
async function patched(server, mesh, { page, devtools }) {
  const costs = [];
  for (let turn = 1; turn <= runs; turn++) {
    const { meta: _, ...put } = graph(mesh, turn);
    costs.push(
      await cost(page, devtools, async () => {
        const before = await page.locator('#root').getAttribute('data-revision');
        server.patch(put);
        await page.waitForFunction((r) => document.querySelector('#root').dataset.revision !== r, before);
      }),
    );
  }
  return costs;
}

/** The CPU of scrolling the table by twenty rows. */
async function scrolled(context, server) {
  server.show(graph(most));
  const { page, devtools } = await open(context);
  await page.goto(`${server.address}/topology?view=table`);
  await page.waitForSelector('.tp-rows tbody tr button');
  await rest(page, devtools);
  const costs = [];
  for (let step = 0; step < runs; step++) {
    costs.push(
      await cost(page, devtools, () =>
        page.evaluate(() => {
          document.querySelector('.tp-table-scroll').scrollTop += 640;
          return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
        }),
      ),
    );
  }
  await page.close();
  return costs;
}

async function measure(context, server) {
  const ten = await opened(context, server, small, '/topology?closed=-', 10);
  await ten.page.close();
  const beyond = (costs) => costs.map((c) => c - median(ten.costs));
  const far = await opened(context, server, many, '/topology?closed=-', 300);
  if ((await far.page.locator('.tp-canvas.lod-far').count()) !== 1) {
    throw new Error('300 cards are not drawn at the far level');
  }
  const patch = await patched(server, many, far);
  await far.page.close();
  const collapsed = await opened(context, server, most, '/topology', 80);
  await collapsed.page.close();
  return [
    { what: 'opening 10 cards', costs: ten.costs },
    { what: '300 services, 1,200 calls, far: beyond that', costs: beyond(far.costs), bound: 400 },
    { what: 'a patch of all their figures', costs: patch, bound: 80 },
    { what: '2,000 services, 8,000 calls in 80 cards: beyond that', costs: beyond(collapsed.costs), bound: 400 },
    { what: 'their table, a scroll step of 20 rows', costs: await scrolled(context, server), bound: 50 },
  ];
}

const server = await serve(resolve(import.meta.dirname, '../dist'));
const browser = await chromium.launch({
  ...(process.env.CHROMIUM ? { executablePath: process.env.CHROMIUM } : {}),
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});
try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  const results = await measure(context, server);
  const load = loadavg()[0].toFixed(1);
  process.stdout.write(`main-thread CPU in ms, medians of ${runs}; load average ${load}\n`);
  for (const { what, costs, bound } of results) {
    const verdict = bound === undefined ? '' : median(costs) <= bound ? `≤ ${bound}  pass` : `> ${bound}  FAIL`;
    const all = costs.map((c) => c.toFixed(0)).join(' ');
    process.stdout.write(`${what.padEnd(54)} ${median(costs).toFixed(0).padStart(5)} ${verdict.padEnd(12)} (${all})\n`);
  }
  process.exitCode = results.every(({ costs, bound }) => bound === undefined || median(costs) <= bound) ? 0 : 1;
} finally {
  await browser.close();
  server.close();
}
