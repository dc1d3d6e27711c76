import { Button } from '@patternfly/react-core';
import { useMemo } from 'react';
import { graphParts } from '../../../api/live/graph-parts';
import { useSelected, useTopic } from '../../../api/live/use-live';
import { byteRate, plain, rate, share } from '../../../lib/format';
import { HealthGlyph, Lock } from '../../../ui/glyph';
import { useScope } from '../../../ui/use-scope';
import { useEdges, useGraph } from '../graph-store';
import { type ThreadFigures, threadFigures } from '../model/figures';
import type { SceneThread } from '../model/scene';
import { sourceVersions } from '../model/source-versions';
import { type ThreadSubject, threadSubject } from '../model/thread-past';
import { useTopologyTexts } from '../texts';
import { Answers } from './answers';
import { PanelFrame } from './frame';
import { Rules } from './node-panel';
import { Past } from './series';
import { VersionTable } from './version-table';

interface ThreadPanelProps {
  thread: SceneThread;
  tab: string | undefined;
  onTab: (tab: string) => void;
  onClose: () => void;
  onSelect: (id: string) => void;
}

/** All about one thread: both ends, its past, who of the caller uses it how, and how the requests end. */
export function ThreadPanel({ thread, tab, onTab, onClose, onSelect }: ThreadPanelProps) {
  const t = useTopologyTexts();
  const store = useGraph();
  const edges = useEdges(thread.edges);
  const figures = threadFigures(edges);
  const health = { ...figures.health, state: figures.state };
  const nameOf = (id: string) => store.node(id)?.name ?? id.replace(/^ns:/, '');
  const subject = threadSubject(thread, store.node);
  const target = store.node(thread.target);
  return (
    <PanelFrame
      title={`${nameOf(thread.source)} → ${nameOf(thread.target)}`}
      place={
        <>
          {figures.protocols.join(', ').toUpperCase()}
          {figures.mutualTls && (
            <>
              {' · '}
              <Lock open={figures.mutualTls !== 'all'} size={10} /> {t(`mtls.${figures.mutualTls}`)}
            </>
          )}
        </>
      }
      health={health}
      tab={tab}
      onTab={onTab}
      onClose={onClose}
      actions={[thread.source, thread.target].flatMap((id) => {
        const node = store.node(id);
        return node ? (
          <Button
            key={id}
            variant="secondary"
            size="sm"
            icon={<HealthGlyph health={node.health.state} size={12} label="" />}
            onClick={() => onSelect(id)}
          >
            {node.name}
          </Button>
        ) : (
          []
        );
      })}
      tabs={[
        {
          id: 'traffic',
          title: t('tab.traffic'),
          content: () => (
            <>
              {subject ? (
                <Past key={thread.id} of={subject} figures={figures} health={health} about={target} />
              ) : (
                <p className="dim">{t('series.none')}</p>
              )}
              {subject?.source && (
                <BySource
                  all={figures}
                  title={t('bySource.versions', { name: nameOf(thread.source) })}
                  subject={subject}
                />
              )}
              {thread.edges.length > 1 && <Edges edges={edges} nameOf={nameOf} onSelect={onSelect} />}
              <Answers edges={edges} peer={nameOf(thread.target)} />
            </>
          ),
        },
        ...(target
          ? [
              {
                id: 'rules',
                title: t('tab.rules'),
                count: target.rules?.length ?? 0,
                content: () => <Rules node={target} />,
              },
            ]
          : []),
      ]}
    />
  );
}

/** What each version of the caller asks. */
function BySource({ title, subject, all }: { title: string; subject: ThreadSubject; all: ThreadFigures }) {
  const { window } = useScope();
  // Versions of a caller are workloads: their graph is read while somebody looks at this.
  const { edges, byId } = useSelected(useTopic('graph', { mode: 'workload', window }), graphParts);
  const rows = useMemo(() => sourceVersions(edges, (id) => byId.get(id), subject), [edges, byId, subject]);
  if (rows.length === 0) {
    return null;
  }
  // The only version is the whole thread, of which more is known: quantiles cannot be added up.
  const [only] = rows.length === 1 ? rows : [];
  if (rows.every((row) => row.figures.bytes !== undefined)) {
    return (
      <>
        <h3>{title}</h3>
        <ul className="tp-peers num">
          {rows.map((row) => (
            <li key={row.name} className="tp-peer">
              <span className="cut" data-ellipsis>
                {row.name}
              </span>
              <span>{plain(byteRate(row.figures.bytes ?? 0))}</span>
            </li>
          ))}
        </ul>
      </>
    );
  }
  return (
    <VersionTable
      title={title}
      rows={(only ? [{ ...only, figures: all }] : rows).map(({ name, share: part, figures: f }) => ({
        key: name,
        name,
        state: f.state,
        share: part,
        rate: f.rate,
        errorShare: f.errorShare,
        p95: f.p95,
      }))}
    />
  );
}

interface EdgesProps {
  edges: ReturnType<typeof useEdges>;
  nameOf: (id: string) => string;
  onSelect: (id: string) => void;
}

/** What a thread is made of, where it stands for several: one of each protocol, or between namespaces. */
function Edges({ edges, nameOf, onSelect }: EdgesProps) {
  const t = useTopologyTexts();
  return (
    <>
      <h3>{t('bySource')}</h3>
      <ul className="tp-peers num">
        {edges.map((edge) => (
          <li key={edge.id}>
            <button type="button" onClick={() => onSelect(edge.source)}>
              <span className="cut" data-ellipsis>
                {t('thread.to', { from: nameOf(edge.source), to: nameOf(edge.target) })}
              </span>
              <span className="dim">{edge.protocol}</span>
              <span>{plain(rate(edge.rate, t('col.rps')))}</span>
              <span className={edge.errorShare >= 0.01 ? `k-${edge.health.state}` : 'dim'}>
                {plain(share(edge.errorShare))}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
