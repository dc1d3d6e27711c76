import { expect, test } from 'vitest';
import type { SimulateAnswer } from '../../../api/generated/types.gen';
import { clusterName, outcome } from './outcome';

const share = (cluster: string, percent: number) => ({
  cluster,
  percent,
  known: true,
  requestHeaders: {},
  responseHeaders: {},
});
const answer = (more: Partial<SimulateAnswer>): SimulateAnswer => ({
  route: 0,
  requestHeaders: {},
  responseHeaders: {},
  ...more,
});

test('a subset names itself, without one the host does', () => {
  expect(clusterName('outbound|9080|v1|reviews.default.svc.cluster.local')).toBe('v1');
  expect(clusterName('outbound|9080||reviews.default.svc.cluster.local')).toBe('reviews');
  expect(clusterName('PassthroughCluster')).toBe('PassthroughCluster');
});

test('shares, delay, time-out and tries', () => {
  const o = outcome(
    answer({
      clusters: [share('outbound|80|v1|a.b', 30), share('outbound|80|v2|a.b', 70)],
      fault: { delay: 7e9, delayPercent: 50 },
      timeout: 2e9,
      retries: { attempts: 2, on: '5xx' },
    }),
  );
  expect(o.shares.map((s) => `${s.name} ${s.percent}`)).toEqual(['v2 70', 'v1 30']);
  expect(o.delay).toEqual({ ms: 7000, percent: 50 });
  expect([o.timeout, o.tries]).toEqual([2000, 3]);
});

test('a redirect, a failure', () => {
  expect(outcome(answer({ redirect: { location: '/x', status: 301 } })).redirect?.location).toBe('/x');
  expect(outcome(answer({ failure: { reason: 'no route' } })).failure).toBe('no route');
});
