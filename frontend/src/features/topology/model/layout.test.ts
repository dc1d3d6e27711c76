import ELK from 'elkjs/lib/elk.bundled.js';
import { describe, expect, it } from 'vitest';
import { layout } from './layout';
import { boxesAround, type Point, place, type Rect, type Size } from './place';
import { type Scene, type SceneEdge, type SceneNode, scene } from './scene';

const elk = new ELK();
const sizes = (): Size => ({ width: 212, height: 91 });

/** A mesh of services in namespaces; each calls the next, and some of other namespaces. */
function mesh(namespaces: number, services: number): Scene {
  const nodes: SceneNode[] = [{ id: 'gateway', state: 'healthy', idle: false }];
  const edges: SceneEdge[] = [];
  const edge = (source: string, target: string) =>
    edges.push({ id: `${source} > ${target} : http`, source, target, state: 'healthy', idle: false });
  for (let n = 0; n < namespaces; n++) {
    for (let s = 0; s < services; s++) {
      nodes.push({ id: `n${n}s${s}`, namespace: `n${n}`, state: 'healthy', idle: false });
      edge(s === 0 ? 'gateway' : `n${n}s${Math.floor((s - 1) / 2)}`, `n${n}s${s}`);
    }
    if (n > 0) {
      edge(`n${n - 1}s${services - 1}`, `n${n}s0`);
    }
  }
  return scene(nodes, edges, { namespaces: [], collapsed: new Set(), hide: new Set() });
}

const cross = (a: Rect, b: Rect) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

function overlaps(s: Scene, at: ReadonlyMap<string, Point>): string[] {
  const boxes = boxesAround(s, at, sizes);
  const cards = s.cards.map((c) => ({ id: c.id, ns: c.namespace, rect: { ...(at.get(c.id) as Point), ...sizes() } }));
  const found: string[] = [];
  cards.forEach((a, i) => {
    for (const b of cards.slice(i + 1)) {
      if (cross(a.rect, b.rect)) {
        found.push(`${a.id} lies on ${b.id}`);
      }
    }
    for (const box of boxes) {
      if (box.namespace !== a.ns && cross(a.rect, box.rect)) {
        found.push(`${a.id} lies in ${box.namespace}`);
      }
    }
  });
  boxes.forEach((a, i) => {
    for (const b of boxes.slice(i + 1)) {
      if (cross(a.rect, b.rect)) {
        found.push(`box ${a.namespace} lies on ${b.namespace}`);
      }
    }
  });
  return found;
}

describe('layout', () => {
  it.each([
    [1, 5],
    [4, 6],
    [12, 4],
    [70, 1],
  ])('of %i namespaces with %i services: nothing lies on anything else', async (namespaces, services) => {
    const s = mesh(namespaces, services);
    const at = await layout(s, sizes, (graph) => elk.layout(graph));
    expect([...at.keys()].sort()).toEqual(s.cards.map((c) => c.id));
    expect(overlaps(s, at)).toEqual([]);
  });

  it('draws who calls left of who is called', async () => {
    const s = mesh(1, 5);
    const at = await layout(s, sizes, (graph) => elk.layout(graph));
    for (const thread of s.threads) {
      expect(at.get(thread.source)?.x).toBeLessThan(at.get(thread.target)?.x as number);
    }
  });
});

describe('place', () => {
  it('moves no card that was there, and puts new ones where nothing is', async () => {
    const before = mesh(4, 4);
    const kept = await layout(before, sizes, (graph) => elk.layout(graph));
    const after = mesh(5, 6);
    const at = place(after, kept, sizes);
    for (const [card, point] of kept) {
      expect(at.get(card)).toEqual(point);
    }
    expect(at.size).toBe(after.cards.length);
    expect(overlaps(after, at)).toEqual([]);
  });

  it('puts a new card right of who calls it', async () => {
    const before = mesh(1, 2);
    const kept = await layout(before, sizes, (graph) => elk.layout(graph));
    const at = place(mesh(1, 3), kept, sizes);
    expect(at.get('n0s2')?.x).toBeGreaterThan(at.get('n0s0')?.x as number);
  });

  it('finds places for all when it knows none', () => {
    const s = mesh(3, 5);
    expect(overlaps(s, place(s, new Map(), sizes))).toEqual([]);
  });
});
