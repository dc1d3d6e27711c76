import { Button, Drawer, DrawerContent, DrawerContentBody, DrawerPanelContent } from '@patternfly/react-core';
import {
  type KeyboardEvent,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useCan, useSession } from '../../api/session-store';
import type { Health } from '../../ui/glyph';
import { saveCsv } from '../../ui/save-csv';
import { Empty } from '../../ui/states';
import { useScope } from '../../ui/use-scope';
import { Canvas } from './canvas/canvas';
import { type GraphStore, useGraphText, useStructure } from './graph-store';
import { GraphTable, rowKind, rowsOf } from './graph-table';
import { closedNamespaces, closedText, hiddenStates, pick, type TopologySearch } from './model/address';
import { arrangement } from './model/arrangements';
import { counted } from './model/counted';
import { parseFind } from './model/find';
import { findable } from './model/find-answer';
import { boxesAround, type Positions, type Rect, type Sizes } from './model/place';
import { csvColumns } from './model/rows';
import { type Scene, scene } from './model/scene';
import { cardSize, type Level } from './model/sizes';
import { canSplit } from './model/split';
import { fitted, reveal, Viewport, zoomAt } from './model/viewport';
import { Attention } from './overlays/attention';
import { CardSplit } from './overlays/card-split';
import { Legend } from './overlays/legend';
import { Minimap } from './overlays/minimap';
import { ZoomButtons } from './overlays/zoom-buttons';
import { SidePanel } from './panel/side-panel';
import './panel/panel.css';
import { useTopologyTexts } from './texts';
import { labelChoices, type Mode, TopologyToolbar } from './toolbar';
import type { SetSearch, SplitSlot } from './topology-page';
import { useArrangement } from './use-arrangement';
import { useFindAnswer } from './use-find-answer';

interface PictureProps {
  store: GraphStore;
  mode: Mode;
  search: TopologySearch;
  set: SetSearch;
  Split: SplitSlot | undefined;
  /** Whose panel takes the focus as soon as it is there: what was used to open it goes away. */
  toPanel: RefObject<string | undefined>;
}

const fitPadding = { top: 56, right: 16, bottom: 24, left: 16 };
const selectPadding = { top: 60, right: 24, bottom: 60, left: 24 };

/** The toolbar, the graph and what lies over it. */
export function Picture({ store, mode, search, set, Split, toPanel }: PictureProps) {
  const t = useTopologyTexts();
  const kind = rowKind(search);
  const { namespaces } = useScope();
  const user = useSession()?.user.name ?? '';
  const { nodes, edges } = useStructure(store);
  const closed = useClosed(search.closed, nodes, namespaces);
  const hide = useMemo(() => hiddenStates(search.hide), [search.hide]);
  const finding = useMemo(() => parseFind(search.find ?? ''), [search.find]);
  const found = useFound(search.find ? finding.test : undefined);

  // What is laid out does not depend on filters, so that nothing moves when these change.
  const whole = useMemo(
    () => scene(nodes, edges, { namespaces, collapsed: closed, hide: noStates }),
    [nodes, edges, namespaces, closed],
  );
  const shown = useMemo(() => {
    const around = search.around && nodes.some((n) => n.id === search.around) ? search.around : undefined;
    if (hide.size === 0 && !found && around === undefined) {
      return whole;
    }
    return scene(nodes, edges, {
      namespaces,
      collapsed: closed,
      hide,
      find: found && ((id) => found.has(id)),
      focus: around === undefined ? undefined : { id: around, steps: 1 },
    });
  }, [whole, nodes, edges, namespaces, closed, hide, found, search.around]);

  const sizes = useSizes(nodes, whole);
  const arranged = useArrangement(whole, sizes('near') as Sizes, user, arrangement(mode, namespaces, closed));
  const viewport = useMemo(() => new Viewport(), []);
  const room = useRef<HTMLDivElement>(null);
  const { at } = arranged;
  const drawing = useMemo(
    // What is nowhere cannot be fitted: the view stays where it was.
    () => (at && shown.cards.length > 0 ? drawingOf(shown, at, sizes('near')) : undefined),
    [shown, at, sizes],
  );
  const selected = search.sel;
  const split = useSplit(store, Split, search, set);
  const view = useView({
    room,
    viewport,
    drawing,
    name: arranged.name,
    find: `${search.find} ${search.around}`,
    selected: selected ?? split.card?.id,
  });

  useReveal(viewport, split.card?.id ?? selected, shown, at, sizes);

  const select = useCallback(
    (sel: string | undefined) => {
      toPanel.current = undefined;
      set({ sel, tab: undefined, shift: undefined });
    },
    [set, toPanel],
  );
  const closePanel = () => {
    select(undefined);
    focusOpener(room.current, selected);
  };
  const onEscape = (event: KeyboardEvent) => {
    const from = event.target as Element;
    if (
      event.key === 'Escape' &&
      panel &&
      from.closest('.tp-panel, [data-card]') &&
      // A handle takes its draft back with it; a chart has no use for it.
      !from.closest('[role=slider]:not(.chart), input')
    ) {
      closePanel();
    }
  };
  const close = (namespace: string) => {
    const within = nodes.some((n) => n.id === selected && n.namespace === namespace);
    set({ closed: closedText([...closed, namespace]), ...(within ? { sel: undefined, shift: undefined } : {}) });
  };
  const open = (namespace: string) => set({ closed: closedText([...closed].filter((n) => n !== namespace)) });
  const toggle = (state: Health) => {
    const next = new Set(hide);
    if (!next.delete(state)) {
      next.add(state);
    }
    set({ hide: [...next].join(',') || undefined });
  };
  useOpened(selected, nodes, closed, shown, set);
  const countText = useCountText(mode, store);
  const collapsed = whole.cards.filter((c) => c.kind === 'namespace').length;
  const counts =
    collapsed > 0 && countsText(t, countText([...nodesIn(whole)]), whole.boxes.length + collapsed, collapsed);
  const present = nodes.filter((n) => !n.gone).length;
  const there = useMemo(() => nodesIn(whole), [whole]);
  const said = useFindAnswer(search.find, finding, found && [...found].filter((id) => there.has(id)).length, there);
  const centre = nodes.find((n) => n.id === search.around);
  const around = (id: string) => set({ around: search.around === id ? undefined : id });
  const panel =
    selected !== undefined &&
    (nodes.some((n) => n.id === selected) || shown.threads.some((thread) => thread.id === selected));
  useEffect(() => {
    if (panel && toPanel.current === selected) {
      toPanel.current = undefined;
      room.current?.closest('.tp-drawer')?.querySelector<HTMLElement>('.tp-panel')?.focus({ preventScroll: true });
    }
  });

  return (
    <>
      <TopologyToolbar
        mode={mode}
        onMode={(to) => set({ mode: to === 'service' ? undefined : to, sel: undefined, around: undefined })}
        labels={pick(labelChoices, search.labels)}
        onLabels={(labels) => set({ labels: labels === 'rate' ? undefined : labels })}
        find={search.find ?? ''}
        onFind={(find) => set({ find: find || undefined })}
        said={said}
        idle={!hide.has('idle')}
        onIdle={() => toggle('idle')}
        around={centre && (store.node(centre.id)?.name ?? centre.id)}
        onAroundEnd={() => set({ around: undefined })}
        table={search.view === 'table'}
        onTable={() => set({ view: search.view === 'table' ? undefined : 'table' })}
        onExport={() => saveCsv(kind, csvColumns[kind], rowsOf(store, kind, shown, search.sort))}
        onTidy={() => {
          view.refit();
          arranged.tidy();
        }}
        note={shown.hidden > 0 ? t('size', { shown: present - shown.hidden, all: present }) : counts || undefined}
      />
      <Drawer isExpanded={panel} isInline className="tp-drawer" onKeyDown={onEscape}>
        <DrawerContent
          panelContent={
            panel ? (
              <DrawerPanelContent isResizable defaultSize="376px" minSize="340px" maxSize="560px" className="tp-side">
                <SidePanel
                  selected={selected}
                  scene={shown}
                  tab={search.tab}
                  onTab={(tab) => set({ tab: tab === 'traffic' ? undefined : tab })}
                  onClose={closePanel}
                  onSelect={select}
                  onAround={around}
                  split={{
                    Split,
                    open: split.panel,
                    onOpen: () => set({ shift: split.panel ? undefined : 'panel', tab: undefined }),
                  }}
                />
              </DrawerPanelContent>
            ) : undefined
          }
        >
          <DrawerContentBody className="tp-body">
            <div className="tp-room" ref={room}>
              {shown.cards.length === 0 ? (
                <Empty
                  title={t('filtered')}
                  action={
                    <Button
                      variant="secondary"
                      size="sm"
                      onClick={() => set({ find: undefined, hide: undefined, around: undefined })}
                    >
                      {t('filtered.clear')}
                    </Button>
                  }
                />
              ) : search.view === 'table' ? (
                <GraphTable shown={shown} search={search} set={set} onSelect={select} />
              ) : (
                at &&
                drawing && (
                  <Canvas
                    scene={shown}
                    edges={edges}
                    at={at}
                    sizes={sizes}
                    viewport={viewport}
                    selected={selected}
                    labels={pick(labelChoices, search.labels)}
                    countText={countText}
                    onSelect={select}
                    onOpenNamespace={open}
                    onCollapse={close}
                    onAround={around}
                    onSplit={split.may ? split.open : undefined}
                    onMove={arranged.move}
                    onMoved={view.taken}
                    onFit={view.fit}
                    onZoom={view.zoom}
                  >
                    <Legend hide={hide} onToggle={toggle} />
                    <div className="tp-corner">
                      <Attention onSelect={select} />
                      <Minimap
                        scene={shown}
                        at={at}
                        sizes={sizes('near')}
                        boxes={boxesAround(shown, at, sizes('near')).map((b) => b.rect)}
                        drawing={drawing}
                        viewport={viewport}
                      />
                    </div>
                    <ZoomButtons onZoom={view.zoom} onFit={view.fit} />
                    {Split && split.card && at.has(split.card.id) && (
                      <CardSplit
                        key={split.card.id}
                        name={split.card.name}
                        card={rectOf(split.card.id, at, sizes('near'))}
                        viewport={viewport}
                        onClose={() => {
                          set({ shift: undefined });
                          focusCard(room.current, split.card?.id);
                        }}
                        onPanel={() => {
                          toPanel.current = split.card?.id;
                          set({ sel: split.card?.id, shift: 'panel', tab: undefined });
                        }}
                      >
                        <Split namespace={split.card.namespace ?? ''} name={split.card.name} form="card" />
                      </CardSplit>
                    )}
                  </Canvas>
                )
              )}
            </div>
          </DrawerContentBody>
        </DrawerContent>
      </Drawer>
    </>
  );
}

const noStates: ReadonlySet<Health> = new Set();

const rectOf = (id: string, at: Positions, sizes: Sizes): Rect => ({ ...(at.get(id) ?? { x: 0, y: 0 }), ...sizes(id) });

const focusCard = (room: HTMLElement | null, id: string | undefined) =>
  room?.querySelector<HTMLElement>(`[data-card="${CSS.escape(id ?? '')}"]`)?.focus({ preventScroll: true });

/** Who closes the panel goes on where it was opened: at its row, or at the card that Tab stops at. */
function focusOpener(room: HTMLElement | null, selected: string | undefined): void {
  const row = room?.querySelector<HTMLElement>(`[data-row="${CSS.escape(selected ?? '')}"] .tp-row-name`);
  if (row) {
    row.focus();
  } else {
    room?.querySelector<HTMLElement>('[data-card][tabindex="0"], .tp-table-scroll')?.focus({ preventScroll: true });
  }
}

/** Where the traffic of a service is being shifted: on its card, in the panel, or nowhere. */
function useSplit(store: GraphStore, Split: SplitSlot | undefined, search: TopologySearch, set: SetSearch) {
  const may = useCan('editTraffic') && Split !== undefined;
  const there = (id: string) => (store.goneSince(id) === undefined ? store.node(id) : undefined);
  const node = search.shift ? there(search.shift) : undefined;
  return {
    may,
    panel: search.shift === 'panel',
    card: may && node && canSplit(node) ? node : undefined,
    open: (id: string) => {
      const asked = there(id);
      if (asked && canSplit(asked)) {
        set({ shift: id });
      }
    },
  };
}

/** The nodes that a scene draws, by themselves or within the card of their namespace. */
const nodesIn = ({ cards }: Scene): ReadonlySet<string> =>
  new Set(cards.flatMap((card) => (card.kind === 'node' ? [card.node] : card.nodes)));

/** How much there is, in how many namespaces, and how many of these are one card. */
const countsText = (t: ReturnType<typeof useTopologyTexts>, counted: string, namespaces: number, collapsed: number) =>
  t('count.collapsed', { counted: t('count.in', { counted, count: namespaces }), count: collapsed });

/**
 * What comes to be selected is drawn: its namespace opens, and what hides it otherwise ends. Only a
 * selection does that: who collapses or filters afterwards means it.
 */
function useOpened(
  selected: string | undefined,
  nodes: readonly { id: string; namespace?: string | undefined }[],
  closed: ReadonlySet<string>,
  shown: Scene,
  set: SetSearch,
): void {
  const first = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another selection
  useEffect(() => {
    const drawn = shown.cards.some((c) => c.id === selected) || shown.threads.some((one) => one.id === selected);
    const ends = selected === undefined || drawn ? [] : selected.split(' > ');
    const wanted = nodes.filter((n) => ends.includes(n.id));
    if (wanted.length > 0) {
      const open = new Set(wanted.flatMap((n) => (closed.has(n.namespace ?? '') ? [n.namespace] : [])));
      const covered = open.size === 0 || !wanted.every((n) => nodesIn(shown).has(n.id));
      set({
        ...(open.size > 0 ? { closed: closedText([...closed].filter((n) => !open.has(n))) } : {}),
        ...(covered && !first.current ? { find: undefined, hide: undefined, around: undefined } : {}),
      });
    }
    first.current = false;
  }, [selected]);
}

/** How many services, workloads or apps some cards are. What is none of them is counted apart. */
function useCountText(mode: Mode, store: GraphStore): (cards: readonly string[]) => string {
  const t = useTopologyTexts();
  return useCallback(
    (cards) => {
      const there = cards.filter((id) => store.goneSince(id) === undefined);
      const { of, more } = counted(there, mode, store.node);
      const text = t(`count.${mode}`, { count: of });
      return more > 0 ? t('count.more', { counted: text, count: more }) : text;
    },
    [t, mode, store],
  );
}

/** The collapsed namespaces. How many are sensible is decided once: a live update collapses nothing. */
function useClosed(
  closed: string | undefined,
  nodes: readonly { namespace?: string | undefined }[],
  namespaces: readonly string[],
): ReadonlySet<string> {
  const first = useRef<{ of: readonly string[]; closed: ReadonlySet<string> }>(undefined);
  if (first.current?.of !== namespaces) {
    const looked = namespaces.length === 0 ? nodes : nodes.filter((n) => namespaces.includes(n.namespace ?? ''));
    first.current = { of: namespaces, closed: closedNamespaces(undefined, looked) };
  }
  const automatic = first.current.closed;
  return useMemo(() => (closed === undefined ? automatic : closedNamespaces(closed, [])), [closed, automatic]);
}

/** The ids that the find field finds; the same set until others are found. */
function useFound(test: ReturnType<typeof parseFind>['test']): ReadonlySet<string> | undefined {
  const text = useGraphText((store) =>
    test
      ? store
          .nodes()
          .filter((n) => test(findable(n)))
          .map((n) => n.id)
          .join('\n')
      : '',
  );
  return useMemo(() => (test ? new Set(text.split('\n').filter(Boolean)) : undefined), [test, text]);
}

/** The sizes of cards at each level. */
function useSizes(nodes: ReturnType<typeof useStructure>['nodes'], whole: Scene): (level: Level) => Sizes {
  return useMemo(() => {
    const shapes = new Map(
      nodes.map((n) => [n.id, { kind: n.quiet ? ('quiet' as const) : ('node' as const), versions: n.versions }]),
    );
    const grouped = new Set(whole.cards.flatMap((c) => (c.kind === 'namespace' ? [c.id] : [])));
    const group = { kind: 'namespace' as const, versions: 0 };
    const one = { kind: 'node' as const, versions: 0 };
    const at = (level: Level): Sizes => {
      return (card) => cardSize(grouped.has(card) ? group : (shapes.get(card) ?? one), level);
    };
    const levels: Record<Level, Sizes> = { near: at('near'), middle: at('middle'), far: at('far') };
    return (level) => levels[level];
  }, [nodes, whole]);
}

/** All that is drawn, with the boxes. */
function drawingOf(shown: Scene, at: ReadonlyMap<string, { x: number; y: number }>, sizes: Sizes): Rect {
  const rects = [
    ...boxesAround(shown, at, sizes).map((b) => b.rect),
    ...shown.cards.flatMap((c) => {
      const point = at.get(c.id);
      return point ? [{ ...point, ...sizes(c.id) }] : [];
    }),
  ];
  const x = Math.min(...rects.map((r) => r.x));
  const y = Math.min(...rects.map((r) => r.y));
  return {
    x,
    y,
    width: Math.max(...rects.map((r) => r.x + r.width)) - x,
    height: Math.max(...rects.map((r) => r.y + r.height)) - y,
  };
}

interface ViewOptions {
  room: React.RefObject<HTMLElement | null>;
  viewport: Viewport;
  drawing: Rect | undefined;
  /** Of the arrangement: another one is fitted. */
  name: string;
  /** What is looked for: other finds are fitted too. */
  find: string;
  selected: string | undefined;
}

/**
 * What part is seen. It is fitted at the first sight of an arrangement, when something else is
 * looked for, and on request; a selection and a live update keep the zoom.
 */
function useView({ room, viewport, drawing, name, find, selected }: ViewOptions) {
  const mine = useRef(false);
  const due = useRef(true);
  const latest = useRef({ drawing, selected });
  latest.current = { drawing, selected };
  const all = useCallback(() => {
    if (latest.current.drawing && viewport.size.width > 0) {
      viewport.set(fitted(latest.current.drawing, viewport.size, fitPadding));
      due.current = false;
    }
  }, [viewport]);

  useLayoutEffect(() => {
    const element = room.current;
    if (!element) {
      return;
    }
    const measure = () => {
      viewport.resize({ width: element.clientWidth, height: element.clientHeight });
      if (due.current || (!mine.current && latest.current.selected === undefined)) {
        all();
      }
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [room, viewport, all]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: these are what asks for another view
  useLayoutEffect(() => {
    mine.current = false;
    due.current = true;
    all();
  }, [name, find, all]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a layout that was asked for has come
  useLayoutEffect(() => {
    if (due.current) {
      all();
    }
  }, [drawing, all]);

  return useMemo(
    () => ({
      fit: () => {
        mine.current = false;
        all();
      },
      /** The next layout is fitted. */
      refit: () => {
        mine.current = false;
        due.current = true;
      },
      taken: () => {
        mine.current = true;
      },
      zoom: (factor: number) => {
        mine.current = true;
        const { width, height } = viewport.size;
        viewport.set(zoomAt(viewport.view, { x: width / 2, y: height / 2 }, factor));
      },
    }),
    [all, viewport],
  );
}

/** What was selected comes into view, at the zoom that there is. */
function useReveal(
  viewport: Viewport,
  selected: string | undefined,
  shown: Scene,
  at: ReadonlyMap<string, { x: number; y: number }> | undefined,
  sizes: (level: Level) => Sizes,
): void {
  const ready = at !== undefined;
  const [size, setSize] = useState('');
  useEffect(() => viewport.listen(() => setSize(`${viewport.size.width} ${viewport.size.height}`)), [viewport]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another selection, or another room for it
  useEffect(() => {
    const cards = shown.threads.find((thread) => thread.id === selected) ?? { source: selected, target: selected };
    for (const id of [cards.target, cards.source]) {
      const point = id === undefined ? undefined : at?.get(id);
      if (id !== undefined && point) {
        viewport.set(reveal(viewport.view, { ...point, ...sizes('near')(id) }, viewport.size, selectPadding));
      }
    }
  }, [selected, ready, size]);
}
