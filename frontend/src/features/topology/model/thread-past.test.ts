import { expect, test } from 'vitest';
import type { GraphLiveEdge, GraphLiveNode } from '../../../api/generated/types.gen';
import { sourceVersions } from './source-versions';
import { threadSubject } from './thread-past';

const node = (id: string, more: Partial<GraphLiveNode>): [string, GraphLiveNode] => [
  id,
  { id, name: id, namespace: 'default', ...more } as GraphLiveNode,
];
const version = (workload: string) => ({ workload, namespace: 'default' }) as never;
const nodes = new Map([
  node('s/reviews', {
    kind: 'service',
    name: 'reviews',
    services: ['reviews.default.svc.cluster.local'],
    versions: [version('reviews-v2'), version('reviews-v1')],
  }),
  node('s/ratings', { kind: 'service', name: 'ratings', services: ['ratings.default.svc.cluster.local'] }),
  node('generator', { kind: 'workload', name: 'generator', workload: 'generator' }),
  node('unknown', { kind: 'unknown', namespace: '' }),
  node('10.0.0.1', { kind: 'address', namespace: '' }),
  node('w/reviews-v1', { kind: 'workload', name: 'reviews-v1', workload: 'reviews-v1', version: 'v1' }),
  node('w/reviews-v2', { kind: 'workload', name: 'reviews-v2', workload: 'reviews-v2', version: 'v2' }),
  node('w/ratings-v1', { kind: 'workload', name: 'ratings-v1', workload: 'ratings-v1', version: 'v1' }),
]);
const known = (id: string) => nodes.get(id);
const subject = (source: string, target: string) =>
  threadSubject({ id: `${source} > ${target}`, source, target, edges: [] }, known);

test('the past of a thread is that of its target, as its source uses it', () => {
  expect(subject('s/reviews', 's/ratings')).toEqual({
    kind: 'service',
    namespace: 'default',
    name: 'ratings.default.svc.cluster.local',
    sourceNamespace: 'default',
    source: ['reviews-v1', 'reviews-v2'],
  });
  expect(subject('generator', 'w/ratings-v1')).toMatchObject({ kind: 'workload', source: ['generator'] });
  expect(subject('ns:shop', 'ns:default')).toEqual({ kind: 'mesh', namespace: 'default', sourceNamespace: 'shop' });
  expect(subject('unknown', 's/ratings')).toMatchObject({ sourceNamespace: 'unknown' });
  expect(subject('10.0.0.1', 's/ratings')).toBeUndefined();
  expect(subject('s/reviews', '10.0.0.1')).toBeUndefined();
});

const edge = (source: string, target: string, rate: number, errors: number, service: string): GraphLiveEdge => ({
  id: `${source} > ${target}`,
  source,
  target,
  protocol: 'http',
  rate,
  errors,
  errorShare: errors / rate,
  services: [`${service}.default.svc.cluster.local`],
  reporters: null,
  health: { state: errors > 0 ? 'failing' : 'healthy' },
});

test('requests by version of the caller', () => {
  const thread = subject('s/reviews', 's/ratings');
  const rows = sourceVersions(
    [
      edge('w/reviews-v2', 'w/ratings-v1', 30, 0, 'ratings'),
      edge('w/reviews-v1', 'w/ratings-v1', 10, 5, 'ratings'),
      edge('w/reviews-v1', 'w/reviews-v2', 10, 5, 'reviews'),
      edge('generator', 'w/ratings-v1', 99, 5, 'ratings'),
    ],
    known,
    thread as NonNullable<typeof thread>,
  );
  expect(rows.map((r) => [r.name, r.share, r.figures.rate, r.figures.errorShare, r.figures.state])).toEqual([
    ['v1', 0.25, 10, 0.5, 'failing'],
    ['v2', 0.75, 30, 0, 'healthy'],
  ]);
});
