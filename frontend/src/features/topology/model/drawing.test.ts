import { describe, expect, it } from 'vitest';
import { drawThreads, eyesOf, labelsOf } from './drawing';
import { curve, placeLabels, pointAt, route, thickness } from './geometry';
import type { Point, Rect } from './place';
import { type SceneEdge, scene } from './scene';

const at = (x: number, y: number): Rect => ({ x, y, width: 212, height: 91 });

describe('route', () => {
  it('runs from the right eye to the left one', () => {
    const { from, to } = route(at(0, 0), at(300, 100), 'near');
    expect([from, to]).toEqual([
      { x: 212, y: 17 },
      { x: 300, y: 117 },
    ]);
  });

  it('runs down within a column, and up', () => {
    expect(route(at(0, 0), at(20, 200), 'near')).toMatchObject({ fromSide: 'bottom', toSide: 'top' });
    expect(route(at(20, 200), at(0, 0), 'near')).toMatchObject({ fromSide: 'top', toSide: 'bottom' });
  });

  it('turns back to a card at its left', () => {
    const run = route(at(600, 0), at(0, 0), 'near');
    expect(run).toMatchObject({ fromSide: 'right', toSide: 'left' });
    expect(curve(run)[1].x).toBeGreaterThan(run.from.x);
  });
});

it.each([
  [0, 1.25],
  [10, 2.9],
  [100, 4.4],
  [1000, 5.9],
  [1_000_000, 7],
])('at %i requests per second a thread is %f px wide', (rps, width) => {
  expect(thickness(rps)).toBeCloseTo(width, 1);
});

const edge = (source: string, target: string, state: SceneEdge['state'] = 'healthy'): SceneEdge => ({
  id: `${source} > ${target}`,
  source,
  target,
  state,
  idle: false,
});
const node = (id: string) => ({ id, namespace: 'shop', state: 'healthy' as const, idle: false });
const options = { namespaces: [], collapsed: new Set<string>(), hide: new Set<never>() };

describe('drawThreads', () => {
  const edges = [edge('a', 'b', 'failing'), edge('a', 'c'), edge('b', 'd', 'degraded')];
  const drawn = drawThreads(
    scene(['a', 'b', 'c', 'd'].map(node), edges, options),
    edges,
    new Map<string, Point>([
      ['a', { x: 0, y: 0 }],
      ['b', { x: 300, y: 0 }],
      ['c', { x: 300, y: 200 }],
      ['d', { x: 300, y: 400 }],
    ]),
    () => ({ width: 212, height: 91 }),
    'near',
  );

  it('draws what is wrong above the rest', () => {
    expect(drawn.map((d) => d.state)).toEqual(['healthy', 'degraded', 'failing']);
  });

  it('gives a card only the eyes that carry a thread', () => {
    expect(Object.fromEntries(eyesOf(drawn))).toEqual({ a: 'r', b: 'bl', c: 'l', d: 't' });
  });

  it('labels all of a few threads; without labels only the wrong ones', () => {
    const ids = (wanted: boolean) =>
      labelsOf(drawn, [], () => false, wanted)
        .map((l) => l.drawn.state)
        .sort();
    expect(ids(true)).toEqual(['degraded', 'failing', 'healthy']);
    expect(ids(false)).toEqual(['degraded', 'failing']);
  });

  it('labels of many threads only the wrong and the chosen ones', () => {
    const many = Array.from({ length: 41 }, (_, i) => edge('a', `t${i}`, i === 3 ? 'failing' : 'healthy'));
    const places = new Map(many.map((e, i) => [e.target, { x: 300, y: i * 100 }]));
    places.set('a', { x: 0, y: 0 });
    const crowd = drawThreads(
      scene([node('a'), ...many.map((e) => node(e.target))], many, options),
      many,
      places,
      () => ({ width: 212, height: 91 }),
      'near',
    );
    const labelled = labelsOf(crowd, [], (thread) => thread.target === 't7', true);
    expect(labelled.map((l) => l.drawn.thread.target).sort()).toEqual(['t3', 't7']);
  });
});

describe('placeLabels', () => {
  it('moves a label along its thread where another one stands', () => {
    const line = curve(route(at(0, 0), at(600, 0), 'near'));
    const places = placeLabels(
      [
        { id: 'a', curve: line, loud: false, chosen: false },
        { id: 'b', curve: line, loud: false, chosen: false },
      ],
      [],
    );
    expect(places.get('a')).toEqual(pointAt(line, 0.5));
    expect(Math.abs((places.get('a')?.x ?? 0) - (places.get('b')?.x ?? 0))).toBeGreaterThan(78);
  });

  it('leaves out what would lie under another label, but not what is wrong or asked for', () => {
    const short = curve(route(at(0, 0), at(300, 0), 'near'));
    const wish = (id: string, more: object = {}) => ({ id, curve: short, loud: false, chosen: false, ...more });
    expect([...placeLabels([wish('a'), wish('b')], []).keys()]).toEqual(['a']);
    expect([...placeLabels([wish('a'), wish('b', { loud: true })], []).keys()]).toEqual(['b']);
    // What is asked for lies on top: it is drawn last.
    expect([...placeLabels([wish('c'), wish('a', { chosen: true }), wish('b', { loud: true })], []).keys()]).toEqual([
      'b',
      'a',
    ]);
    expect(placeLabels([wish('a', { loud: true }), wish('b', { loud: true })], []).size).toBe(2);
  });
});
