import { byteRate, duration, plain, rate, share } from '../../../lib/format';
import { Figure } from '../../../ui/figure';
import { Lock } from '../../../ui/glyph';
import { useEdges, useGraph } from '../graph-store';
import { threadFigures } from '../model/figures';
import type { SceneThread } from '../model/scene';
import { useTopologyTexts } from '../texts';
import { Answers } from './answers';
import { PanelFrame } from './frame';

interface ThreadPanelProps {
  thread: SceneThread;
  tab: string | undefined;
  onTab: (tab: string) => void;
  onClose: () => void;
  onSelect: (id: string) => void;
}

/** All about one thread: both ends, how much, how well, and how the requests end. */
export function ThreadPanel({ thread, tab, onTab, onClose, onSelect }: ThreadPanelProps) {
  const t = useTopologyTexts();
  const store = useGraph();
  const edges = useEdges(thread.edges);
  const figures = threadFigures(edges);
  const nameOf = (id: string) => store.node(id)?.name ?? id.replace(/^ns:/, '');
  const title = `${nameOf(thread.source)} → ${nameOf(thread.target)}`;
  return (
    <PanelFrame
      title={title}
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
      health={{ ...figures.health, state: figures.state }}
      tab={tab}
      onTab={onTab}
      onClose={onClose}
      actions={null}
      tabs={[
        {
          id: 'traffic',
          title: t('tab.traffic'),
          content: () => (
            <>
              <dl className="tp-figures num">
                {figures.bytes === undefined ? (
                  <>
                    <dt>{t('rate')}</dt>
                    <dd>
                      <Figure of={rate(figures.rate, t('col.rps'))} />
                    </dd>
                    <dt>{t('errorShare')}</dt>
                    <dd className={figures.errorShare >= 0.01 ? `k-${figures.state}` : ''}>
                      <Figure of={share(figures.errorShare)} />
                    </dd>
                    <dt>{t('latency')}</dt>
                    <dd>{figures.p95 === undefined ? '–' : <Figure of={duration(figures.p95)} />}</dd>
                  </>
                ) : (
                  <>
                    <dt>{t('bytes')}</dt>
                    <dd>
                      <Figure of={byteRate(figures.bytes)} />
                    </dd>
                  </>
                )}
              </dl>
              <Answers edges={edges} peer={nameOf(thread.target)} />
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
          ),
        },
      ]}
    />
  );
}
