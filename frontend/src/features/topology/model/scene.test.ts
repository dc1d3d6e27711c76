import { describe, expect, it } from 'vitest';
import { namespaceCard, type SceneEdge, type SceneNode, type SceneOptions, scene } from './scene';

const node = (id: string, namespace: string, idle = false): SceneNode => ({
  id,
  namespace,
  state: idle ? 'idle' : 'healthy',
  idle,
});
const edge = (source: string, target: string, protocol = 'http', idle = false): SceneEdge => ({
  id: `${source} > ${target} : ${protocol}`,
  source,
  target,
  state: idle ? 'idle' : 'healthy',
  idle,
});

const nodes = [
  node('gateway', 'edge'),
  node('productpage', 'shop'),
  node('reviews', 'shop'),
  node('history', 'shop', true),
  node('forecast', 'weather'),
  node('stations', 'weather'),
];
const edges = [
  edge('gateway', 'productpage'),
  edge('gateway', 'forecast'),
  edge('productpage', 'reviews'),
  edge('productpage', 'reviews', 'grpc'),
  edge('forecast', 'stations'),
  edge('reviews', 'history', 'http', true),
];
const all: SceneOptions = { namespaces: [], collapsed: new Set(), hide: new Set() };

describe('scene', () => {
  it('draws a card for each node, one thread for all protocols, a box for each namespace', () => {
    const s = scene(nodes, edges, all);
    expect(s.cards.map((c) => c.id)).toEqual(['forecast', 'gateway', 'history', 'productpage', 'reviews', 'stations']);
    expect(s.threads.find((t) => t.source === 'productpage')?.edges).toEqual([
      'productpage > reviews : grpc',
      'productpage > reviews : http',
    ]);
    expect(s.boxes.map((b) => b.namespace)).toEqual(['edge', 'shop', 'weather']);
    expect(s.hidden).toBe(0);
  });

  it('is the same whatever the order of its input', () => {
    expect(scene([...nodes].reverse(), [...edges].reverse(), all)).toEqual(scene(nodes, edges, all));
  });

  it('draws a collapsed namespace as one card, with the threads of all its nodes', () => {
    const s = scene(nodes, edges, { ...all, collapsed: new Set(['shop', 'weather']) });
    expect(s.cards.map((c) => c.id)).toEqual(['gateway', namespaceCard('shop'), namespaceCard('weather')]);
    expect(s.threads.map((t) => t.id)).toEqual(['gateway > ns:shop', 'gateway > ns:weather']);
    expect(s.boxes.map((b) => b.namespace)).toEqual(['edge']);
  });

  it('leaves idle nodes and threads out on request', () => {
    const s = scene(nodes, edges, { ...all, hide: new Set(['idle']) });
    expect(s.cards.map((c) => c.id)).not.toContain('history');
    expect(s.threads.map((t) => t.target)).not.toContain('history');
    expect(s.hidden).toBe(1);
  });

  it('counts nobody as left out who is not there any more', () => {
    const s = scene([...nodes, { ...node('late', 'shop', true), gone: true }], edges, {
      ...all,
      hide: new Set(['idle']),
    });
    expect(s.hidden).toBe(1);
  });

  it('leaves healthy ones out, but for those that a wrong thread touches', () => {
    const wrong = edges.map((e) => (e.target === 'stations' ? { ...e, state: 'failing' as const } : e));
    const s = scene(nodes, wrong, { ...all, hide: new Set(['healthy', 'idle']) });
    expect(s.cards.map((c) => c.id)).toEqual(['forecast', 'stations']);
    expect(s.threads.map((t) => t.id)).toEqual(['forecast > stations']);
  });

  it('shows with a namespace what it talks to, and no further', () => {
    const s = scene(nodes, edges, { ...all, namespaces: ['shop'] });
    expect(s.cards.map((c) => c.id)).toEqual(['gateway', 'history', 'productpage', 'reviews']);
  });

  it('shows the neighbourhood of a node', () => {
    const s = scene(nodes, edges, { ...all, focus: { id: 'reviews', steps: 1 } });
    expect(s.cards.map((c) => c.id)).toEqual(['history', 'productpage', 'reviews']);
  });

  it('shows what is found', () => {
    const s = scene(nodes, edges, { ...all, find: (id) => id.includes('s') });
    expect(s.cards.map((c) => c.id)).toEqual(['forecast', 'history', 'reviews', 'stations']);
    expect(s.hidden).toBe(2);
  });
});
