import { Button, Tab, Tabs, TabTitleText, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { proxyConfigOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { LiveProxy } from '../../api/generated/types.gen';
import { useElements, useTopic, useTopicStatus } from '../../api/live/use-live';
import { asProblem } from '../../api/problem';
import { workloadAddress } from '../../lib/addresses';
import { age, clock, count, lasting, plain, rate } from '../../lib/format';
import { oneOf } from '../../lib/search';
import { Code } from '../../ui/code/code';
import { FilterField } from '../../ui/filter-field';
import { HealthGlyph, SyncGlyph } from '../../ui/glyph';
import { PageHead } from '../../ui/page';
import { Banner, Empty, Failed, Loading } from '../../ui/states';
import { useNow } from '../../ui/use-now';
import { DumpTable } from './dump-table';
import { LogLevel } from './log-level';
import { type DumpPart, parts } from './model/dump';
import { findProxy, rowOf, type TypeSync } from './model/status';
import { Nacks } from './nacks';
import './proxies.css';
import { useProxiesTexts } from './texts';

interface ProxySearch {
  readonly tab?: string;
  readonly q?: string;
  readonly sort?: string;
  readonly view?: string;
}

/** One proxy: how it stands with each type, what it rejected, and what it holds. */
export function ProxyPage() {
  const t = useProxiesTexts();
  const { proxy: name = '' } = useParams({ strict: false }) as { proxy?: string };
  const topic = useTopic('proxies');
  const status = useTopicStatus(topic);
  const proxy = findProxy(useElements<LiveProxy>(topic), name);
  if (!proxy) {
    return (
      <div className="page">
        {status.state === 'loading' ? (
          <Loading lines={8} />
        ) : status.state === 'error' ? (
          <Failed title={t('failed')} error={status} />
        ) : (
          <Empty title={t('gone.title', { name })} action={<Link to="/proxies">{t('gone.action')}</Link>}>
            {t('gone.text')}
          </Empty>
        )}
      </div>
    );
  }
  return <OneProxy key={proxy.uid} proxy={proxy} />;
}

function OneProxy({ proxy }: { proxy: LiveProxy }) {
  const t = useProxiesTexts();
  const search = useSearch({ strict: false }) as ProxySearch;
  const navigate = useNavigate();
  const now = useNow();
  const row = rowOf(proxy);
  const refused = proxy.refused ?? [];
  const tab = oneOf(parts, search.tab);
  const put = (change: { [K in keyof ProxySearch]?: string | undefined }) =>
    void navigate({ to: '.', search: (old: object) => ({ ...old, ...change }), replace: true });
  const health = { rejected: 'failing', waiting: 'degraded', ok: 'healthy' } as const;
  return (
    <div className="page">
      <PageHead
        crumb={
          <>
            <Link to="/proxies">{t('title')}</Link>
            <span aria-hidden="true">/</span>
            <Link to="/proxies" search={{ q: `ns:${proxy.namespace}` }}>
              {proxy.namespace}
            </Link>
          </>
        }
        title={
          <>
            <HealthGlyph health={health[row.state]} size={18} label={t(`state.${row.state}`)} />
            <span className="mono px-mono">{proxy.pod}</span>
          </>
        }
        facts={
          <>
            <Link to={workloadAddress({ namespace: proxy.namespace, name: proxy.workload })}>{proxy.workload}</Link>
            <span>{t.maybe(`facts.role.${proxy.role}`) ?? proxy.role}</span>
            {proxy.version && <span className="num">Envoy {proxy.version}</span>}
            {proxy.node && <span>{proxy.node}</span>}
            <span>{plain(rate(proxy.rps))}</span>
            <span>{t('facts.since', { age: age(proxy.connected, now, t.language) })}</span>
          </>
        }
        actions={
          <>
            <Link
              className="plain"
              to={workloadAddress({ namespace: proxy.namespace, name: proxy.workload })}
              search={{ tab: 'pods', pod: proxy.pod, container: 'proxy' } as never}
            >
              {t('logs')}
            </Link>
            <LogLevel proxy={proxy.uid} />
          </>
        }
      >
        <div className="px-top">
          {refused.length > 0 && <Nacks refused={refused} />}
          {row.state === 'waiting' && <Waiting sync={row.sync} />}
          <SyncList sync={row.sync} />
        </div>
        <Tabs
          activeKey={tab}
          aria-label={t('tabs')}
          onSelect={(_, to) => put({ tab: String(to), q: undefined, sort: undefined })}
        >
          {parts.map((part) => (
            <Tab
              key={part}
              tabContentId="px-body"
              eventKey={part}
              title={<TabTitleText>{t(`tab.${part}`)}</TabTitleText>}
            />
          ))}
        </Tabs>
      </PageHead>
      <Dump key={tab} proxy={proxy} part={tab} search={search} put={put} />
    </div>
  );
}

/** Since when a proxy owes an answer. One of which only the agent is connected has no types but secrets. */
function Waiting({ sync }: { sync: readonly TypeSync[] }) {
  const t = useProxiesTexts();
  const now = useNow(1000);
  const since = Math.min(...sync.map((s) => s.pendingSince ?? Number.POSITIVE_INFINITY));
  const owes = Number.isFinite(since);
  const onlyAgent = sync.length > 0 && sync.every((s) => s.type === 'secrets');
  const lead = owes
    ? t('waits', { time: clock(since), age: lasting(Math.max(0, now - since) / 1000, t.language) })
    : t(onlyAgent ? 'waits.agent' : 'waits.starts');
  return (
    <Banner tone="degraded" lead={lead}>
      {/* One that has only just begun had nothing before. */}
      {(owes || onlyAgent) && t('waits.keeps')}
    </Banner>
  );
}

function SyncList({ sync }: { sync: readonly TypeSync[] }) {
  const t = useProxiesTexts();
  return (
    <dl className="px-sync num" aria-label={t('sync')}>
      {sync.map((of) => (
        <div key={of.type}>
          <dt>{t(`type.${of.type}`)}</dt>
          <dd>
            <SyncGlyph state={of.state} name={t(`type.${of.type}`)} />
            <b>{count(of.held)}</b>
            <span className="mono dim">{of.version.slice(0, 6) || t('sync.never')}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

interface DumpProps {
  readonly proxy: LiveProxy;
  readonly part: DumpPart;
  readonly search: ProxySearch;
  readonly put: (change: { [K in keyof ProxySearch]?: string | undefined }) => void;
}

/** What the proxy itself says that it holds. */
function Dump({ proxy, part, search, put }: DumpProps) {
  const t = useProxiesTexts();
  const dump = useQuery(proxyConfigOptions({ path: { proxy: proxy.uid, what: part } }));
  const asJson = search.view === 'json';
  if (dump.isPending) {
    return <Loading lines={8} />;
  }
  if (dump.isError) {
    return <Failed title={t('dump.failed')} error={asProblem(dump.error)} retry={() => void dump.refetch()} />;
  }
  return (
    <section id="px-body" className="px-dump" aria-label={t(`tab.${part}`)}>
      <div className="fbar wide">
        {asJson ? (
          <span />
        ) : (
          <FilterField
            label={t('dump.find', { what: t(`tab.${part}`) })}
            value={search.q ?? ''}
            onChange={(q) => put({ q: q || undefined })}
          />
        )}
        <ToggleGroup aria-label={t('view')}>
          {(['table', 'json'] as const).map((view) => (
            <ToggleGroupItem
              key={view}
              text={t(`view.${view}`)}
              isSelected={asJson === (view === 'json')}
              onChange={() => put({ view: view === 'json' ? 'json' : undefined })}
            />
          ))}
        </ToggleGroup>
        <span className="fill" />
        <span className="dim num">{t('read', { time: clock(dump.dataUpdatedAt) })}</span>
        <Button variant="link" size="sm" isInline onClick={() => void dump.refetch()}>
          {t('dump.again')}
        </Button>
      </div>
      {asJson ? (
        <div className="px-json">
          <Code label={t(`tab.${part}`)} value={JSON.stringify(dump.data, null, 2)} />
        </div>
      ) : (
        <div className="tscroll grow">
          <DumpTable
            part={part}
            dump={dump.data}
            q={search.q ?? ''}
            sort={search.sort}
            onSort={(sort) => put({ sort })}
          />
        </div>
      )}
    </section>
  );
}
