import { ChevronRight, SlidersHorizontal } from 'lucide-react';
import { memo, useCallback, useSyncExternalStore } from 'react';
import type { GraphHealth, GraphLiveNode, GraphVersion } from '../../../api/generated/types.gen';
import {
  byteRate,
  clock,
  duration,
  type Figure as FigureValue,
  lasting,
  number,
  plain,
  share,
} from '../../../lib/format';
import { type Health, HealthGlyph, Lock, RuleGlyph } from '../../../ui/glyph';
import { Spark } from '../../../ui/spark';
import { useUiTexts } from '../../../ui/texts';
import { weave } from '../../../ui/weave';
import { useGoneSince, useGraph, useNode } from '../graph-store';
import { type Figures, isQuiet, isReason, nodeFigures } from '../model/figures';
import { figuresByNamespace } from '../model/namespaces';
import { ruleGlyphs } from '../model/rule-glyphs';
import type { SceneCard } from '../model/scene';
import { type Level, mostVersions } from '../model/sizes';
import { canSplit } from '../model/split';
import { useTopologyTexts } from '../texts';

interface CardProps {
  card: SceneCard;
  x: number;
  y: number;
  level: Level;
  selected: boolean;
  /** The one that Tab leads to. */
  current: boolean;
  /** Sides at which threads meet it, such as "lr". */
  eyes: string;
  /** It came while one looked. */
  fresh: boolean;
  /** The traffic of services can be shifted on their cards. */
  splits: boolean;
}

type Texts = ReturnType<typeof useTopologyTexts>;

/** A card of the graph. Pointer and keys are handled by the canvas, which finds it by data-card. */
export const Card = memo(function Card(props: CardProps) {
  if (props.card.kind === 'namespace') {
    return <NamespaceCard {...props} namespace={props.card.namespace} />;
  }
  return props.level === 'far' ? (
    <FarCard {...props} node={props.card.node} />
  ) : (
    <NodeCard {...props} node={props.card.node} />
  );
});

interface FrameProps extends CardProps {
  state: Health;
  label: string;
  more?: string;
  children: React.ReactNode;
}

function Frame({ card, x, y, selected, current, eyes, fresh, state, label, more = '', children }: FrameProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a card is laid out as a block, and moved
    <div
      className={`tp-card c-${state}${selected ? ' is-sel' : ''}${fresh ? ' is-new' : ''}${more}`}
      style={{ transform: `translate(${x}px, ${y}px)` }}
      data-card={card.id}
      role="button"
      tabIndex={current ? 0 : -1}
      aria-label={label}
      aria-pressed={selected}
    >
      {[...eyes].map((side) => (
        <i key={side} className={`tp-eye tp-eye-${side}`} />
      ))}
      {children}
    </div>
  );
}

/** Far away: the state and the name. It draws again only when the state changes. */
function FarCard({ node: id, ...props }: CardProps & { node: string }) {
  const t = useTopologyTexts();
  const ui = useUiTexts();
  const store = useGraph();
  const seen = useSyncExternalStore(
    useCallback((changed) => store.listenTo([`n:${id}`], changed), [store, id]),
    () => {
      const node = store.goneSince(id) === undefined ? store.node(id) : undefined;
      return `${node?.health.state ?? 'unknown'} ${store.node(id)?.name ?? ''}`;
    },
  );
  const space = seen.indexOf(' ');
  const state = seen.slice(0, space) as Health;
  const name = seen.slice(space + 1);
  return (
    <Frame {...props} state={state} label={t('card', { name, state: ui(`health.${state}`) })}>
      <header>
        <HealthGlyph health={state} size={26} label="" />
        <span className="tp-name" data-ellipsis>
          {name}
        </span>
      </header>
    </Frame>
  );
}

function NodeCard({ node: id, ...props }: CardProps & { node: string }) {
  const t = useTopologyTexts();
  const ui = useUiTexts();
  const node = useNode(id);
  const gone = useGoneSince(id);
  if (!node) {
    return null;
  }
  if (gone !== undefined) {
    return <GoneCard {...props} name={node.name} at={gone} />;
  }
  const near = props.level === 'near';
  const quiet = isQuiet(node);
  const versions = node.versions ?? [];
  return (
    <Frame {...props} state={node.health.state} label={cardLabel(node, t, ui(`health.${node.health.state}`))}>
      <header>
        <HealthGlyph health={node.health.state} label="" />
        <span className="tp-name" data-ellipsis>
          {node.name}
        </span>
        {kindOf(node) && <span className="tp-kind">{t(`kind.${kindOf(node) ?? 'unknown'}`)}</span>}
        {near && (
          <span className="tp-rules">
            {ruleGlyphs(node.rules ?? [])
              .filter((rule) => rule !== 'gate' || !node.gateway)
              .map((rule) => (
                <RuleGlyph key={rule} rule={rule} />
              ))}
            {node.kind !== 'unknown' && !node.meshed && !node.external && node.pods.total > 0 && (
              <Lock open size={12} />
            )}
          </span>
        )}
      </header>
      {quiet ? (
        <div className="figs dim">{quietText(node, t)}</div>
      ) : (
        <FigureRow figures={nodeFigures(node)} health={node.health} />
      )}
      {near && !quiet && <Spark data={node.spark ?? []} errors={node.sparkErrors ?? undefined} width={188} />}
      {near && !quiet && versions.length > 1 && <Versions versions={versions} t={t} />}
      {near && props.splits && canSplit(node) && (
        // By keyboard it is the key S: a card has nothing within it that can be focused.
        <span className="tp-split" data-split title={t('panel.shift')}>
          <SlidersHorizontal size={13} strokeWidth={1.7} aria-hidden />
        </span>
      )}
    </Frame>
  );
}

/** It left the graph a short while ago: dashed, until it is forgotten. */
function GoneCard({ name, at, ...props }: CardProps & { name: string; at: number }) {
  const t = useTopologyTexts();
  const time = clock(at);
  return (
    <Frame {...props} eyes="" state="unknown" label={t('card.gone', { name, time })} more=" is-gone">
      <header>
        <HealthGlyph health="unknown" label="" />
        <span className="tp-name" data-ellipsis>
          {name}
        </span>
      </header>
      <div className="figs dim">{t('gone', { time })}</div>
    </Frame>
  );
}

function NamespaceCard({ namespace, ...props }: CardProps & { namespace: string }) {
  const t = useTopologyTexts();
  const ui = useUiTexts();
  const store = useGraph();
  const figures = useSyncExternalStore(store.listen, () => figuresByNamespace(store.elements()).get(namespace));
  const count = props.card.kind === 'namespace' ? props.card.nodes.length : 0;
  if (!figures) {
    return null;
  }
  const label = t('card.namespace', { name: namespace, state: ui(`health.${figures.state}`), count });
  return (
    <Frame {...props} state={figures.state} label={label} more=" tp-ns">
      <header>
        <HealthGlyph health={figures.state} size={props.level === 'far' ? 26 : 14} label="" />
        <span className="tp-name" data-ellipsis>
          {namespace}
        </span>
        <span className="tp-rules">
          <ChevronRight size={14} aria-hidden />
        </span>
      </header>
      {props.level !== 'far' && (
        <>
          <StateTiles states={figures.states} />
          <FigureRow figures={figures} health={undefined} />
        </>
      )}
    </Frame>
  );
}

/** One glyph for each entry up to ten, then how many are in each state. */
function StateTiles({ states }: { states: readonly Health[] }) {
  if (states.length <= 10) {
    return (
      <div className="tp-tiles">
        {[...states].reverse().map((state, i) => (
          <HealthGlyph key={i} health={state} size={12} label="" />
        ))}
        <span className="tp-tiles-n num">{states.length}</span>
      </div>
    );
  }
  const counts = new Map<Health, number>();
  for (const state of states) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return (
    <div className="tp-tiles num">
      {[...counts].reverse().map(([state, n]) => (
        <span key={state} className="tp-tile">
          {n} <HealthGlyph health={state} size={12} label="" />
        </span>
      ))}
    </div>
  );
}

function Amount({ of, unit }: { of: FigureValue; unit: string }) {
  return (
    <>
      <b>{of.value}</b> {unit}
    </>
  );
}

function FigureRow({ figures, health }: { figures: Figures; health: GraphHealth | undefined }) {
  const t = useTopologyTexts();
  if (figures.bytes !== undefined) {
    const bytes = byteRate(figures.bytes);
    return (
      <div className="figs num">
        <span>
          <Amount of={bytes} unit={bytes.unit} />
        </span>
        <span className="dim">TCP</span>
      </div>
    );
  }
  const tone = figures.state === 'failing' ? 'bad' : 'warn';
  const reason = isReason(figures, health);
  const p95 = duration(figures.p95 ?? 0);
  return (
    <div className="figs num">
      <span>
        <Amount of={{ value: number(figures.rate), unit: '' }} unit={t('col.rps')} />
      </span>
      <span className={reason.errors ? tone : ''}>
        <Amount of={share(figures.errorShare)} unit={`% ${t('errors.unit')}`} />
      </span>
      {figures.p95 !== undefined && (
        <span className={reason.p95 ? tone : ''}>
          <Amount of={p95} unit={`${p95.unit} ${t('p95.unit')}`} />
        </span>
      )}
    </div>
  );
}

function Versions({ versions, t }: { versions: readonly GraphVersion[]; t: Texts }) {
  const shown = versions.slice(0, mostVersions);
  return (
    <div className="tp-vers">
      {shown.map((version, i) => {
        const state = version.state ?? 'unknown';
        return (
          <div key={`${version.namespace}/${version.workload}`} className={`ver ${weave(i)}`}>
            <span className="tp-ver-n" data-ellipsis>
              {version.version || version.workload}
            </span>
            <span className="ver-t">
              <i style={{ inlineSize: `${version.share * 100}%` }} />
            </span>
            <span className="tp-ver-s num">
              {wholePercent(version.share)}
              <small>%</small>
            </span>
            <span className="tp-ver-g">
              {(state === 'failing' || state === 'degraded') && <HealthGlyph health={state} size={11} label="" />}
            </span>
          </div>
        );
      })}
      {versions.length > mostVersions && (
        <div className="tp-ver-more dim">{t('versions.more', { count: versions.length - mostVersions })}</div>
      )}
    </div>
  );
}

/** "70", and "<1" for a little: there is room for three characters. */
function wholePercent(part: number): string {
  return part > 0 && part < 0.005 ? '<1' : String(Math.round(part * 100));
}

/** What kind of node it is, where that is not a matter of course. */
export function kindOf(node: GraphLiveNode): 'gateway' | 'external' | 'address' | 'outside' | 'unknown' | undefined {
  if (node.gateway) {
    return 'gateway';
  }
  if (node.external) {
    return 'external';
  }
  return node.kind === 'address' || node.kind === 'outside' || node.kind === 'unknown' ? node.kind : undefined;
}

function quietText(node: GraphLiveNode, t: Texts): string {
  if (node.health.state === 'idle' && node.health.since) {
    const seconds = (Date.now() - Date.parse(node.health.since)) / 1000;
    return t('idle.for', { time: lasting(seconds, t.language) });
  }
  if (node.health.state === 'idle') {
    return t('idle');
  }
  return node.meshed || node.external ? t('notMeasured') : t('noSidecar');
}

function cardLabel(node: GraphLiveNode, t: Texts, state: string): string {
  const { name } = node;
  if (isQuiet(node)) {
    return t('card', { name, state });
  }
  return node.unit === 'B/s'
    ? t('card.bytes', { name, state, bytes: plain(byteRate(node.rate)) })
    : t('card.figures', { name, state, rate: number(node.rate), errors: plain(share(node.errorShare)) });
}
