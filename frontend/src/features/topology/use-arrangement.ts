import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { layOutInWorker } from './layout-worker';
import { keepPositions, keptPositions } from './model/arrangements';
import { layout } from './model/layout';
import { type Point, type Positions, place, type Sizes } from './model/place';
import type { Scene } from './model/scene';

export interface Arrangement {
  /** Positions of all cards; undefined until the first layout is done. */
  at: Positions | undefined;
  /** Which arrangement these are of. */
  name: string;
  move: (card: string, to: Point, done: boolean) => void;
  /** Lays everything out anew. */
  tidy: () => void;
}

/**
 * Where the cards stand. An arrangement that this user has seen comes back as it was; a new one
 * is laid out once. From then on nothing moves by itself: new cards find free places.
 */
export function useArrangement(scene: Scene, sizes: Sizes, user: string, name: string): Arrangement {
  const [laid, setLaid] = useState<{ name: string; at: Positions }>();
  const kept = useMemo(() => keptPositions(localStorage, user, name), [user, name]);
  const base = laid?.name === name ? laid.at : kept;
  const known = useMemo(() => scene.cards.some((card) => base.has(card.id)), [scene, base]);
  const at = useMemo(() => (known ? place(scene, base, sizes) : undefined), [known, scene, base, sizes]);

  const take = useCallback(
    (positions: Positions) => {
      setLaid({ name, at: positions });
      keepPositions(localStorage, user, name, positions, Date.now());
    },
    [name, user],
  );

  const latest = useRef({ scene, sizes, name });
  latest.current = { scene, sizes, name };
  const layOut = useCallback(() => {
    const asked = latest.current;
    void layout(asked.scene, asked.sizes, layOutInWorker).then(
      (positions) => latest.current.name === asked.name && take(positions),
      // Without a worker the places are poorer, but everything can be seen.
      () => latest.current.name === asked.name && take(place(asked.scene, new Map(), asked.sizes)),
    );
  }, [take]);

  const empty = scene.cards.length === 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another arrangement is laid out anew
  useEffect(() => {
    if (!known && !empty) {
      layOut();
    }
  }, [known, empty, name, layOut]);

  // What found a place keeps it, also when it was away in between.
  useEffect(() => {
    if (at && [...at.keys()].some((card) => !base.has(card))) {
      take(new Map([...base, ...at]));
    }
  }, [at, base, take]);

  const move = useCallback(
    (card: string, to: Point, done: boolean) => {
      const moved = new Map(base).set(card, { x: Math.round(to.x), y: Math.round(to.y) });
      if (done) {
        take(moved);
      } else {
        setLaid({ name, at: moved });
      }
    },
    [base, name, take],
  );

  return { at, name, move, tidy: layOut };
}
