import { render } from '@testing-library/react';
import { expect, test } from 'vitest';
import type { GraphLiveEdge, GraphLiveNode } from '../../../api/generated/types.gen';
import { GraphProvider, GraphStore } from '../graph-store';
import { scene } from '../model/scene';
import { cardSize, type Level } from '../model/sizes';
import { Viewport } from '../model/viewport';
import { Canvas } from './canvas';

const count = 300;
const elements = new Map<string, unknown>();
for (let i = 0; i < count; i++) {
  const node: GraphLiveNode = {
    id: `s${i}`,
    kind: 'service',
    name: `s${i}`,
    namespace: `n${i % 10}`,
    rate: i,
    errorShare: 0,
    unit: 'rps',
    pods: { ready: 2, total: 2 },
    spark: Array.from({ length: 30 }, (_, k) => i + k),
    versions: ['v1', 'v2'].map((version) => ({
      version,
      workload: `s${i}-${version}`,
      namespace: `n${i % 10}`,
      pods: 1,
      ready: 1,
      share: 0.5,
      rate: i / 2,
      errorShare: 0,
    })),
    health: { state: i % 50 === 0 ? 'degraded' : 'healthy' },
  };
  elements.set(`n:${node.id}`, node);
  for (const step of [1, 7, 20, 33]) {
    const edge: GraphLiveEdge = {
      id: `s${i} > s${(i + step) % count} : http`,
      source: `s${i}`,
      target: `s${(i + step) % count}`,
      protocol: 'http',
      rate: i * step,
      errors: 0,
      errorShare: 0,
      reporters: null,
      health: { state: 'healthy' },
    };
    elements.set(`e:${edge.id}`, edge);
  }
}

const isEdge = (element: unknown): element is GraphLiveEdge => 'source' in (element as object);

function draw(zoom: number, shown: ReadonlyMap<string, unknown> = elements) {
  const store = new GraphStore({ elements: () => shown, listen: () => () => {} });
  const { nodes, edges } = store.structure();
  const viewport = new Viewport();
  viewport.resize({ width: 1200, height: 700 });
  viewport.set({ x: 0, y: 0, zoom });
  const at = new Map(nodes.map((n, i) => [n.id, { x: (i % 20) * 320, y: Math.floor(i / 20) * 210 }]));
  const sizes = (level: Level) => () => cardSize({ kind: 'node', versions: 1 }, level);
  const nothing = () => {};
  return render(
    <GraphProvider value={store}>
      <Canvas
        scene={scene(nodes, edges, { namespaces: [], collapsed: new Set(), hide: new Set() })}
        edges={edges}
        at={at}
        sizes={sizes}
        viewport={viewport}
        selected={undefined}
        labels="rate"
        countText={(cards) => String(cards.length)}
        onSelect={nothing}
        onOpenNamespace={nothing}
        onCollapse={nothing}
        onAround={nothing}
        onSplit={undefined}
        onMove={nothing}
        onMoved={nothing}
        onFit={nothing}
        onZoom={nothing}
      >
        {null}
      </Canvas>
    </GraphProvider>,
  ).container;
}

test('far away, 300 cards are heads only, and 1,200 threads a few paths', () => {
  const drawn = draw(0.2);
  expect(drawn.querySelectorAll('[data-card]')).toHaveLength(count);
  expect(drawn.querySelectorAll('.tp-threads path').length).toBeLessThanOrEqual(15);
  expect(drawn.querySelectorAll('.tp-label')).toHaveLength(0);
  expect(drawn.querySelectorAll('*').length).toBeLessThan(count * 8);
});

test('far away, what is wrong has a label and can be pointed at, and the page stays small', () => {
  const wrong = new Map(elements);
  [...elements.values()].filter(isEdge).forEach((edge, i) => {
    const state = i % 100 === 0 ? ('failing' as const) : i % 3 === 0 ? ('degraded' as const) : ('healthy' as const);
    wrong.set(`e:${edge.id}`, { ...edge, health: { state } });
  });
  const drawn = draw(0.2, wrong);
  expect(drawn.querySelectorAll('.tp-label.k-failing')).toHaveLength(12);
  expect(drawn.querySelectorAll('.tp-label')).toHaveLength(40);
  expect(drawn.querySelectorAll('.tp-hit[data-thread]')).toHaveLength(40);
  expect(drawn.querySelectorAll('*').length).toBeLessThanOrEqual(2400);
});

test('near, only what is in view is drawn, and labels only where something is wrong', () => {
  const drawn = draw(1);
  expect(drawn.querySelectorAll('[data-card]').length).toBeLessThan(60);
  expect(drawn.querySelectorAll('.tp-label')).toHaveLength(0);
});

test.each([
  { level: 'far', zoom: 0.2, cards: count, each: 6, all: 2000 },
  { level: 'middle', zoom: 0.6, cards: 80, each: 16, all: 3500 },
  { level: 'near', zoom: 1, cards: 45, each: 45, all: 3500 },
])('$level, the page stays small: elements of a card and of all', ({ zoom, cards, each, all }) => {
  const drawn = draw(zoom);
  const found = [...drawn.querySelectorAll('[data-card]')];
  expect(found.length).toBeGreaterThan(10);
  expect(found.length).toBeLessThanOrEqual(cards);
  expect(Math.max(...found.map((card) => card.querySelectorAll('*').length))).toBeLessThanOrEqual(each);
  expect(drawn.querySelectorAll('*').length).toBeLessThanOrEqual(all);
});
