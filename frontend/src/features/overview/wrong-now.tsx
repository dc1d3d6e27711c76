import { Button } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';
import type { CSSProperties, ReactNode } from 'react';
import type { GraphLiveNode, HistoryChange, LiveProxy } from '../../api/generated/types.gen';
import { useMayWrite } from '../../api/rights';
import { useCan } from '../../api/session-store';
import { proxyAddress, serviceAddress, workloadAddress } from '../../lib/addresses';
import { duration, lasting, plain, rate, share } from '../../lib/format';
import { UndoButton } from '../../parts/undo/undo-button';
import { Figure } from '../../ui/figure';
import { HealthGlyph } from '../../ui/glyph';
import { useHealthWords } from '../../ui/health-words';
import { Sheet } from '../../ui/page';
import { Why } from '../../ui/why';
import { type Action, actionOf, begunWith } from './model/actions';
import type { Trouble } from './model/troubles';
import { useOverviewTexts } from './texts';
import { useNamed } from './use-changes';

export interface WrongNowProps {
  readonly troubles: readonly Trouble[];
  readonly proxies: readonly LiveProxy[];
  /** Findings of severity error. */
  readonly errors: number;
  readonly changes: readonly HistoryChange[];
  readonly onUndone: (change: HistoryChange) => void;
}

/** What is wrong, cause before effect, with the one figure that matters and the likely action. */
export function WrongNow({ troubles, proxies, errors, changes, onUndone }: WrongNowProps) {
  const t = useOverviewTexts();
  const mayEdit = useCan('editTraffic');
  const mayWrite = useMayWrite();
  const begun = troubles.flatMap(({ node }) => begunWith(node) ?? []);
  const known = useNamed([...new Set(begun)], changes);
  const rows = troubles.map((trouble) => ({
    trouble,
    action: actionOf(trouble.node, { depth: trouble.depth, changes: known, mayEdit, mayWrite }),
  }));
  // One primary button on the page: that of the worst which something can be done about.
  const first = rows.find((r) => r.action)?.trouble;
  return (
    <Sheet title={t('wrong')}>
      <ul className="ov-list">
        {rows.map(({ trouble, action }) => (
          <TroubleRow
            key={trouble.node.id}
            trouble={trouble}
            action={action}
            primary={trouble === first}
            onUndone={onUndone}
          />
        ))}
        {proxies.map((proxy) => (
          <RejectedRow key={proxy.uid} proxy={proxy} />
        ))}
        {errors > 0 && (
          <Row
            glyph={<HealthGlyph health="failing" size={17} label="" />}
            title={<b>{t('findings', { count: errors })}</b>}
            detail={t('findings.text')}
            actions={<Go to="/findings">{t('findings.see')}</Go>}
          />
        )}
      </ul>
    </Sheet>
  );
}

interface RowProps {
  glyph: ReactNode;
  title: ReactNode;
  detail: ReactNode;
  stat?: ReactNode;
  actions: ReactNode;
  depth?: number;
}

function Row({ glyph, title, detail, stat, actions, depth = 0 }: RowProps) {
  return (
    <li
      className={depth > 0 ? 'ov-inc ov-child' : 'ov-inc'}
      {...(depth > 0 ? { style: { '--ov-depth': depth } as CSSProperties } : {})}
    >
      {glyph}
      <div>
        <div className="ov-inc-t">{title}</div>
        <div className="ov-inc-d">{detail}</div>
      </div>
      <div className="ov-inc-s num">{stat}</div>
      <div className="ov-inc-a">{actions}</div>
    </li>
  );
}

/** A button that leads to another page. */
function Go({ to, search, title, primary = false, children }: GoProps) {
  return (
    <Button
      size="sm"
      variant={primary ? 'primary' : 'secondary'}
      title={title}
      component={(props) => <Link {...props} to={to} {...(search ? { search: search as never } : {})} />}
    >
      {children}
    </Button>
  );
}

interface GoProps {
  to: string;
  search?: Record<string, string>;
  title?: string;
  primary?: boolean;
  children: ReactNode;
}

/** The address of what a node stands for, if it has a page. */
export const nodeAddress = (node: GraphLiveNode): string | undefined =>
  node.kind === 'service' ? serviceAddress(node) : node.kind === 'workload' ? workloadAddress(node) : undefined;

interface TroubleRowProps {
  trouble: Trouble;
  action: Action | undefined;
  primary: boolean;
  onUndone: (change: HistoryChange) => void;
}

function TroubleRow({ trouble: { node, depth }, action, primary, onUndone }: TroubleRowProps) {
  const t = useOverviewTexts();
  const words = useHealthWords();
  const { health } = node;
  const reason = health.reasons?.[0];
  const to = nodeAddress(node);
  const title = <b>{words.title(node.name, health)}</b>;
  const causes = health.why ?? [];
  return (
    <Row
      depth={depth}
      glyph={<HealthGlyph health={health.state} size={17} />}
      title={
        reason && reason.code !== 'noEndpoints'
          ? t.rich('wrong.sentence', { what: title }, { reason: inSentence(words.reason(reason), t.language) })
          : title
      }
      detail={causes.length > 0 ? <Why causes={causes} /> : words.since(health)}
      stat={<Stat node={node} />}
      actions={
        <>
          {action?.kind === 'undo' && (
            <UndoButton
              change={action.change}
              primary={primary}
              label={t('action.undo.short')}
              onUndone={() => onUndone(action.change)}
            />
          )}
          {action?.kind === 'split' && to && (
            <Go to={to} primary={primary} title={t('action.split.title', { away: action.away })}>
              {t('action.split')}
            </Go>
          )}
          {action?.kind === 'pods' && to && (
            <Go to={to} search={{ tab: 'pods' }} primary={primary}>
              {t('action.pods')}
            </Go>
          )}
          <Go to="/topology" search={{ sel: node.id }} title={t('action.show.title', { name: node.name })}>
            {t('action.show')}
          </Go>
        </>
      }
    />
  );
}

/** A sentence of its own, after a colon: names stay as they are, words begin small. */
export const inSentence = (sentence: string, language: string): string =>
  language === 'en' && /^(Answers|No) /.test(sentence)
    ? sentence.charAt(0).toLowerCase() + sentence.slice(1)
    : sentence;

/** The one figure that matters. */
function Stat({ node }: { node: GraphLiveNode }) {
  const t = useOverviewTexts();
  const { state, reasons } = node.health;
  const reason = reasons?.[0];
  if (reason?.code === 'noEndpoints') {
    return <>{t('wrong.pods', { ready: node.pods.ready, total: node.pods.total })}</>;
  }
  if (reason?.code === 'slow') {
    return (
      <>
        <b className={`k-${state}`}>
          <Figure of={duration(reason.p95 ?? 0)} />
        </b>
        {t('wrong.slow', { usual: plain(duration(reason.usual ?? 0)) })}
      </>
    );
  }
  return (
    <>
      <b className={`k-${state}`}>
        <Figure of={share(reason?.share ?? node.errorShare)} />
      </b>
      {node.unit === 'rps' && t('wrong.errors', { rate: rate(node.rate * node.errorShare).value })}
    </>
  );
}

function RejectedRow({ proxy }: { proxy: LiveProxy }) {
  const t = useOverviewTexts();
  const refused = proxy.refused?.[0];
  return (
    <Row
      glyph={<HealthGlyph health="failing" size={17} />}
      title={t.rich('rejected', { pod: <b className="mono">{proxy.pod}</b> })}
      detail={<q className="said">{refused?.message}</q>}
      stat={
        refused && (
          <>
            <b>{lasting((Date.now() - Date.parse(refused.at)) / 1000, t.language)}</b>
            {t('rejected.behind')}
          </>
        )
      }
      actions={<Go to={proxyAddress(proxy.id)}>{t('rejected.why')}</Go>}
    />
  );
}
