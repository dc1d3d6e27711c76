import { Button } from '@patternfly/react-core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ComponentType, type RefObject, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useTopic, useTopicStatus } from '../../api/live/use-live';
import { figuresFrom, useOld } from '../../api/live/use-old';
import { AsOf } from '../../ui/as-of';
import { Empty, Failed, Loading } from '../../ui/states';
import { useScope } from '../../ui/use-scope';
import { GraphProvider, type GraphStore, useGraphStore, useGraphText, useStructure } from './graph-store';
import { pick, type TopologySearch } from './model/address';
import { Picture } from './picture';
import { useTopologyTexts } from './texts';
import { Timeline } from './timeline';
import { modes } from './toolbar';
import './topology.css';
import './canvas/canvas.css';
import './overlays/overlays.css';

/** Changes the address; undefined takes a parameter out. */
export type SetSearch = (change: { [K in keyof TopologySearch]?: string | undefined }) => void;

/** What app puts on a card and into the panel to shift a service's traffic between its versions. */
export type SplitSlot = ComponentType<{ namespace: string; name: string; form: 'panel' | 'card' }>;

/** Who talks to whom, how fast and how healthy, as it is now. */
export function TopologyPage({ Split }: { Split?: SplitSlot }) {
  const t = useTopologyTexts();
  const search = useSearch({ strict: false }) as TopologySearch;
  const navigate = useNavigate();
  const { window } = useScope();
  const mode = pick(modes, search.mode);
  const topic = useTopic('graph', { mode, window });
  const status = useTopicStatus(topic);
  const store = useGraphStore(topic);
  const old = useOld(useSyncExternalStore(store.listen, () => figuresFrom(store.meta())));
  const [paused, setPaused] = useState(false);
  useEffect(() => store.pause(paused), [store, paused]);
  const toPanel = useRef<string>(undefined);

  const set: SetSearch = (change) => {
    const target = { search: (old: object) => ({ ...old, ...change }), replace: !('sel' in change) };
    void navigate({ to: '.', ...target } as Parameters<typeof navigate>[0]);
  };
  useShortcuts({
    t: () => set({ view: search.view === 'table' ? undefined : 'table' }),
    p: () => setPaused((now) => !now),
  });

  return (
    <div className={old === undefined ? 'tp' : 'tp is-old'}>
      <h1 className="vh">{t('title')}</h1>
      {old !== undefined && (
        <p className="tp-old">
          <AsOf since={old} />
        </p>
      )}
      <GraphProvider value={store}>
        {status.state === 'error' ? (
          <Failed title={t('failed')} error={status} />
        ) : status.state === 'loading' ? (
          <div className="tp-loading">
            <Loading lines={5} />
          </div>
        ) : (
          <Body key={mode} store={store} mode={mode} search={search} set={set} Split={Split} toPanel={toPanel} />
        )}
        <Foot
          paused={paused}
          onPause={() => setPaused(!paused)}
          onSelect={(sel) => {
            toPanel.current = sel;
            set({ sel, mode: undefined });
          }}
        />
      </GraphProvider>
    </div>
  );
}

interface BodyProps {
  store: GraphStore;
  mode: (typeof modes)[number];
  search: TopologySearch;
  set: SetSearch;
  Split: SplitSlot | undefined;
  toPanel: RefObject<string | undefined>;
}

function Body(props: BodyProps) {
  const t = useTopologyTexts();
  const navigate = useNavigate();
  const { nodes } = useStructure(props.store);
  if (nodes.length === 0) {
    return (
      <Empty
        title={t('empty')}
        action={
          <Button
            variant="secondary"
            size="sm"
            onClick={() => void navigate({ to: '.', search: ((old: object) => ({ ...old, ns: undefined })) as never })}
          >
            {t('empty.all')}
          </Button>
        }
      >
        {t('empty.text')}
      </Empty>
    );
  }
  return <Picture {...props} />;
}

function Foot(props: { paused: boolean; onPause: () => void; onSelect: (node: string) => void }) {
  const at = useGraphText((s) => s.meta()?.at ?? '');
  return <Timeline {...props} at={at} />;
}

/** Single keys of the whole page, unless somebody types. */
function useShortcuts(keys: Record<string, () => void>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as Element;
      const typing = target.closest?.(
        'input, textarea, select, [contenteditable], [role=dialog], [role=listbox], [role=menu]',
      );
      if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        keys[event.key.toLowerCase()]?.();
      }
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  });
}
