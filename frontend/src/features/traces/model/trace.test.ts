import { expect, test } from 'vitest';
import type { TracesSpan } from '../../../api/generated/types.gen';
import { covered, hopsOf, lengthOf, micros, storyOf } from './trace';

const span = (
  id: string,
  parent: string,
  kind: string,
  service: string,
  [from, to]: [number, number],
  more: Record<string, string> = {},
): TracesSpan => ({
  id,
  ...(parent ? { parent } : {}),
  kind,
  service: `${service}.shop`,
  operation: `${service}.shop.svc.cluster.local:80/*`,
  start: `2026-11-21T10:00:00.${String(from).padStart(6, '0')}Z`,
  durationNanos: (to - from) * 1000,
  attributes: Object.entries(more).map(([key, value]) => ({ key, value })),
  error: more['http.status_code'] === '503',
});
const node = (pod: string) => ({ node_id: `sidecar~10.0.0.1~${pod}.shop~shop.svc.cluster.local` });
const trace = {
  id: 't',
  start: '',
  durationNanos: 0,
  errors: 1,
  spanCount: 5,
  services: [],
  spans: [
    span('b', 'a', 'server', 'web', [100, 900], node('web-v1-7c9d5-x2kfn')),
    span('a', '', 'client', 'ingress', [0, 1000], {
      'http.method': 'GET',
      'http.url': 'http://web/page?x=1',
      'http.status_code': '200',
      ...node('ingress-7c9d5-abcde'),
    }),
    span('c', 'b', 'client', 'web', [200, 800], {
      'http.status_code': '503',
      response_flags: 'UC',
      'upstream_cluster.name': 'outbound|80||ratings.shop.svc.cluster.local',
    }),
  ],
};

test('microseconds', () => {
  expect(micros('2026-11-21T10:00:00.594867Z') - micros('2026-11-21T10:00:00Z')).toBe(594_867);
});

test('what is covered counts once', () => {
  const of = { from: 0, to: 10 };
  expect(
    covered(of, [
      { from: 2, to: 5 },
      { from: 4, to: 6 },
      { from: 8, to: 20 },
    ]),
  ).toBe(6);
  expect(covered(of, [])).toBe(0);
});

test('both sides of a call are one row', () => {
  const hops = hopsOf(trace);
  expect(hops.map((h) => [h.depth, h.name, h.what, h.at, h.length, h.self])).toEqual([
    [0, 'web-v1', 'GET /page?x=1', 0, 1000, 400],
    [1, 'ratings', 'web.shop.svc.cluster.local:80/*', 200, 600, 600],
  ]);
  expect(hops[0]).toMatchObject({ from: 'ingress-7c9d5-abcde', to: 'web-v1-7c9d5-x2kfn', between: 0.2 });
  expect(hops[1]).toMatchObject({ service: { namespace: 'shop', name: 'ratings' }, flags: 'UC', status: '503' });
  expect(lengthOf(hops)).toBe(1000);
});

test('the story: where the time went, and what failed', () => {
  const story = storyOf(hopsOf(trace));
  expect(story.slowest).toEqual({ name: 'ratings', share: 0.6 });
  expect(story.failed?.hop.name).toBe('ratings');
});

test('a trace without its beginning, or without spans', () => {
  const lost = { ...trace, spans: [span('z', 'missing', 'server', 'web', [0, 10])] };
  expect(hopsOf(lost).map((h) => h.name)).toEqual(['web']);
  expect(hopsOf({ ...trace, spans: null })).toEqual([]);
  expect(storyOf([])).toEqual({ slowest: undefined, failed: undefined });
});
