import {
  type KeyboardEvent,
  memo,
  type ReactNode,
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { drawThreads, eyesOf, farLabel, labelsOf, loudest } from '../model/drawing';
import { boxesAround, type Point, type Positions, type Rect, type Sizes } from '../model/place';
import type { Scene, SceneCard, SceneEdge, SceneThread } from '../model/scene';
import { type Level, levelOf } from '../model/sizes';
import { reveal, seen, type Viewport } from '../model/viewport';
import { type Direction, walk } from '../model/walk';
import { useTopologyTexts } from '../texts';
import { Boxes } from './boxes';
import { Card } from './card';
import { type LabelChoice, ThreadLabel } from './thread-label';
import { FarThreads, Thread } from './threads';
import { useGestures } from './use-gestures';

/** Beyond so many cards only those in view are drawn, but far away, where they are cheap. */
const mostDrawn = 60;
/** What is drawn around the view, so that panning shows nothing empty. */
const margin = 400;

export interface CanvasProps {
  scene: Scene;
  edges: readonly SceneEdge[];
  at: Positions;
  sizes: (level: Level) => Sizes;
  viewport: Viewport;
  selected: string | undefined;
  labels: LabelChoice;
  countText: (cards: readonly string[]) => string;
  onSelect: (id: string | undefined) => void;
  onOpenNamespace: (namespace: string) => void;
  onCollapse: (namespace: string) => void;
  onAround: (card: string) => void;
  /** Shifts the traffic of a service at its card; undefined where this person may not. */
  onSplit: ((card: string) => void) | undefined;
  onMove: (card: string, to: Point, done: boolean) => void;
  onMoved: () => void;
  onFit: () => void;
  onZoom: (factor: number) => void;
  children: ReactNode;
}

/** The picture of the mesh: one tab stop, of which arrow keys lead along the threads. */
export const Canvas = memo(function Canvas(props: CanvasProps) {
  const { scene, edges, at, sizes, viewport, selected, labels, onSelect, onMove } = props;
  const t = useTopologyTexts();
  const root = useRef<HTMLElement>(null);
  const layer = useRef<HTMLDivElement>(null);
  const help = useId();
  const level = useSyncExternalStore(viewport.listen, () => levelOf(viewport.view.zoom));
  const [hovered, setHovered] = useState<string>();
  const [current, setCurrent] = useState<string>();
  const [wantsFocus, setWantsFocus] = useState<string>();
  const fresh = useFresh(scene);

  // The transform is written by hand: panning draws nothing else.
  useLayoutEffect(() => {
    const write = () => {
      const { x, y, zoom } = viewport.view;
      layer.current?.style.setProperty('transform', `translate(${x}px, ${y}px) scale(${zoom})`);
    };
    write();
    return viewport.listen(write);
  }, [viewport]);

  const size = useMemo(() => sizes(level), [sizes, level]);
  const drawn = useMemo(() => drawThreads(scene, edges, at, size, level), [scene, edges, at, size, level]);
  const eyes = useMemo(() => (level === 'far' ? none : eyesOf(drawn)), [drawn, level]);
  const boxes = useMemo(() => boxesAround(scene, at, sizes('near')), [scene, at, sizes]);
  const rects = useMemo(
    () =>
      scene.cards.flatMap((card) => {
        const point = at.get(card.id);
        return point ? [{ ...point, ...size(card.id) }] : [];
      }),
    [scene, at, size],
  );

  const part = useSeen(viewport, level !== 'far' && scene.cards.length > mostDrawn);
  const inView = (rect: Rect) => part === undefined || touches(rect, part);
  const cards = scene.cards.filter((card) => {
    const point = at.get(card.id);
    return point && (card.id === current || inView({ ...point, ...size(card.id) }));
  });
  const threads = drawn.filter((d) => inView(around(d.route.from, d.route.to)));

  const isChosen = (thread: SceneThread) =>
    thread.id === hovered || thread.id === selected || thread.source === selected || thread.target === selected;
  const far = level === 'far' ? loudest(drawn) : undefined;
  const labelled = far
    ? labelsOf(far, rects, isChosen, false, farLabel)
    : labelsOf(threads, rects, isChosen, labels !== 'none');
  const someCard = selected !== undefined && scene.cards.some((c) => c.id === selected);
  const someThread = selected !== undefined && scene.threads.some((c) => c.id === selected);
  const dims = (thread: SceneThread) =>
    (someCard && thread.source !== selected && thread.target !== selected) || (someThread && thread.id !== selected);

  const stop = current && scene.cards.some((c) => c.id === current) ? current : (cards[0]?.id ?? '');

  const origin = useRef<Point>(undefined);
  const choose = ({ card, split, thread }: { card?: string; split?: boolean; thread?: string }) => {
    if (card !== undefined) {
      setCurrent(card);
      if (split) {
        props.onSplit?.(card);
      } else {
        open(card);
      }
    } else {
      onSelect(thread);
    }
  };
  const open = (id: string) => {
    const card = scene.cards.find((c) => c.id === id);
    if (card?.kind === 'namespace') {
      props.onOpenNamespace(card.namespace);
    } else if (card) {
      onSelect(card.id);
    }
  };
  useGestures(root, viewport, {
    choose,
    moved: props.onMoved,
    pull: (card, by, done) => {
      origin.current ??= at.get(card);
      if (origin.current) {
        onMove(card, { x: origin.current.x + by.x, y: origin.current.y + by.y }, done);
      }
      if (done) {
        origin.current = undefined;
      }
    },
  });

  // Focus follows the arrow keys: first the card comes into view, then it is drawn, then focused.
  const goTo = (id: string) => {
    const point = at.get(id);
    if (point) {
      viewport.set(reveal(viewport.view, { ...point, ...size(id) }, viewport.size, keyPadding));
      setCurrent(id);
      setWantsFocus(id);
    }
  };
  useEffect(() => {
    if (wantsFocus !== undefined) {
      layer.current
        ?.querySelector<HTMLElement>(`[data-card="${CSS.escape(wantsFocus)}"]`)
        ?.focus({ preventScroll: true });
      setWantsFocus(undefined);
    }
  }, [wantsFocus]);

  const onKeyDown = (event: KeyboardEvent) => {
    const id = (event.target as Element).closest<HTMLElement>('[data-card]')?.dataset.card;
    if (id === undefined || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const card = scene.cards.find((c) => c.id === id);
    if (event.key.startsWith('Arrow')) {
      if (event.shiftKey) {
        nudge(id, event.key as Direction);
      } else {
        const next = walk(scene, at, id, event.key as Direction);
        if (next !== undefined) {
          goTo(next);
        }
      }
    } else if (event.key === 'Enter' || event.key === ' ') {
      open(id);
    } else if (event.key === 'n' || event.key === 'N') {
      props.onAround(id);
    } else if ((event.key === 'c' || event.key === 'C') && card?.kind === 'node' && card.namespace) {
      props.onCollapse(card.namespace);
    } else if ((event.key === 's' || event.key === 'S') && props.onSplit) {
      props.onSplit(id);
    } else if (event.key === 'f' || event.key === 'F') {
      props.onFit();
    } else if (event.key === '+' || event.key === '-') {
      props.onZoom(event.key === '+' ? 1.25 : 0.8);
    } else {
      return;
    }
    event.preventDefault();
  };
  const nudge = (id: string, direction: Direction) => {
    const from = at.get(id);
    const [x, y] = nudges[direction];
    if (from) {
      onMove(id, { x: from.x + x, y: from.y + y }, true);
    }
  };

  const hover = useCallback((target: EventTarget) => {
    setHovered((target as Element).closest<HTMLElement | SVGElement>('[data-thread]')?.dataset.thread);
  }, []);

  return (
    <section
      ref={root}
      className={`tp-canvas lod-${level}`}
      aria-label={t('canvas')}
      aria-describedby={help}
      onKeyDown={onKeyDown}
      onPointerOver={(event) => hover(event.target)}
    >
      <p id={help} className="vh">
        {t('canvas.help')}
      </p>
      <div className="tp-layer" ref={layer}>
        <Boxes boxes={boxes} countText={props.countText} onCollapse={props.onCollapse} />
        <svg className="tp-threads" aria-hidden="true">
          {far ? (
            <FarThreads threads={drawn} loud={far} chosen={hovered ?? selected} />
          ) : (
            threads.map((d) => <Thread key={d.thread.id} drawn={d} dim={dims(d.thread)} />)
          )}
        </svg>
        {cards.map((card) => (
          <PlacedCard
            key={card.id}
            card={card}
            at={at.get(card.id)}
            level={level}
            selected={card.id === selected}
            current={card.id === stop}
            eyes={eyes.get(card.id) ?? ''}
            fresh={fresh.has(card.id)}
            splits={props.onSplit !== undefined}
          />
        ))}
        {labelled.map(({ drawn: { thread }, at: point }) => (
          <ThreadLabel key={thread.id} thread={thread} x={point.x} y={point.y} choice={labels} dim={dims(thread)} />
        ))}
      </div>
      {props.children}
    </section>
  );
});

interface PlacedCardProps {
  card: SceneCard;
  at: Point | undefined;
  level: Level;
  selected: boolean;
  current: boolean;
  eyes: string;
  fresh: boolean;
  splits: boolean;
}

function PlacedCard({ at, ...card }: PlacedCardProps) {
  return at ? <Card {...card} x={at.x} y={at.y} /> : null;
}

const none: ReadonlyMap<string, string> = new Map();
const keyPadding = { top: 60, right: 40, bottom: 40, left: 40 };
const nudges: Record<Direction, [number, number]> = {
  ArrowRight: [14, 0],
  ArrowLeft: [-14, 0],
  ArrowUp: [0, -14],
  ArrowDown: [0, 14],
};

const touches = (a: Rect, b: Rect) =>
  a.x <= b.x + b.width && b.x <= a.x + a.width && a.y <= b.y + b.height && b.y <= a.y + a.height;

const around = (a: Point, b: Point): Rect => ({
  x: Math.min(a.x, b.x) - 40,
  y: Math.min(a.y, b.y) - 40,
  width: Math.abs(a.x - b.x) + 80,
  height: Math.abs(a.y - b.y) + 80,
});

/** The part in view with some space around it, in steps, so that panning seldom draws. */
function useSeen(viewport: Viewport, wanted: boolean): Rect | undefined {
  const key = useSyncExternalStore(viewport.listen, () => {
    if (!wanted) {
      return '';
    }
    const { x, y, width, height } = seen(viewport.view, viewport.size);
    const step = (v: number) => Math.round(v / (margin / 2)) * (margin / 2);
    return [step(x - margin), step(y - margin), step(width + 2 * margin), step(height + 2 * margin)].join(' ');
  });
  return useMemo(() => {
    if (key === '') {
      return undefined;
    }
    const [x = 0, y = 0, width = 0, height = 0] = key.split(' ').map(Number);
    return { x, y, width, height };
  }, [key]);
}

/** Cards that came after the first look. */
function useFresh(scene: Scene): ReadonlySet<string> {
  const known = useRef<Set<string>>(undefined);
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const ids = scene.cards.map((c) => c.id);
    const first = known.current === undefined || known.current.size === 0;
    const before = known.current ?? new Set();
    known.current = new Set([...before, ...ids]);
    const added = first ? [] : ids.filter((id) => !before.has(id));
    // Many at once are another view, not newcomers.
    if (added.length > 0 && added.length <= 5) {
      setFresh(new Set(added));
      const timer = setTimeout(() => setFresh(new Set()), 700);
      return () => clearTimeout(timer);
    }
  }, [scene]);
  return fresh;
}
