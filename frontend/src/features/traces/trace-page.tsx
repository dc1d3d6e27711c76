import { Button } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { KeyboardEvent } from 'react';
import { traceOptions } from '../../api/generated/@tanstack/react-query.gen';
import { asProblem } from '../../api/problem';
import { proxyAddress, serviceAddress } from '../../lib/addresses';
import { clock, duration, plain, share } from '../../lib/format';
import { HealthGlyph } from '../../ui/glyph';
import { useHealthWords } from '../../ui/health-words';
import { PageHead, Sheet } from '../../ui/page';
import { Empty, Failed, Loading } from '../../ui/states';
import { coloursOf, type Hop, hopsOf, lengthOf, storyOf } from './model/trace';
import { useTracesTexts } from './texts';
import './traces.css';

const time = (micros: number) => plain(duration(micros / 1000));

/** One trace: a sentence, then who called whom and how long it took. */
export function TracePage() {
  const t = useTracesTexts();
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const trace = useQuery({ ...traceOptions({ path: { id } }), staleTime: 60_000 });
  if (trace.isPending) {
    return (
      <div className="page">
        <Loading lines={8} />
      </div>
    );
  }
  if (trace.isError) {
    const problem = asProblem(trace.error);
    return (
      <div className="page">
        {problem.status === 404 ? (
          <Empty title={t('gone.title')} action={<Link to="/traces">{t('gone.action')}</Link>}>
            {t('gone.text')}
          </Empty>
        ) : (
          <Failed title={t('failed')} error={problem} retry={() => void trace.refetch()} />
        )}
      </div>
    );
  }
  const hops = hopsOf(trace.data);
  const names = new Set(hops.map((h) => h.name));
  return (
    <div className="page">
      <PageHead
        crumb={<Link to="/traces">{t('title')}</Link>}
        title={hops[0]?.what ?? id}
        facts={
          <>
            <span>{time(lengthOf(hops))}</span>
            <span>{t('facts.calls', { count: hops.length })}</span>
            <span>{t('facts.services', { count: names.size })}</span>
            <span>{clock(trace.data.start, 'millisecond')}</span>
            <span className="mono dim">{id.slice(0, 10)}</span>
          </>
        }
      />
      <div className="body">
        <Waterfall hops={hops} />
      </div>
    </div>
  );
}

/** What the trace says in a sentence. */
function Says({ hops }: { hops: readonly Hop[] }) {
  const t = useTracesTexts();
  const words = useHealthWords();
  const { slowest, failed } = storyOf(hops);
  return (
    <p className="tr-say">
      {slowest && t.rich('says.slowest', { share: <b>{plain(share(slowest.share))}</b>, name: <b>{slowest.name}</b> })}{' '}
      {failed &&
        t.rich(
          'says.failed',
          { name: <b>{failed.hop.name}</b> },
          {
            count: failed.count,
            why:
              [failed.hop.status, words.flags(failed.hop.flags, failed.hop.name)].filter(Boolean).join(', ') ||
              t('error'),
          },
        )}
    </p>
  );
}

function Waterfall({ hops }: { hops: readonly Hop[] }) {
  const t = useTracesTexts();
  const navigate = useNavigate();
  const { span } = useSearch({ strict: false }) as { span?: string };
  const all = lengthOf(hops);
  const colours = coloursOf(hops);
  const selected = hops.find((h) => h.id === span) ?? storyOf(hops).failed?.hop ?? hops[0];
  const select = (hop: Hop | undefined) => {
    if (hop) {
      void navigate({ to: '.', search: (old: object) => ({ ...old, span: hop.id }), replace: true });
      document.getElementById(`tr-${hop.id}`)?.focus();
    }
  };
  const onKey = (event: KeyboardEvent, at: number) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: hops.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      select(hops[to]);
    }
  };
  return (
    <div className="tr-two">
      <Sheet title={t('calls')}>
        <Says hops={hops} />
        <div className="tr-scale num" aria-hidden="true">
          {[0, 0.25, 0.5, 0.75].map((part) => (
            <span key={part} style={{ insetInlineStart: `${part * 100}%` }}>
              {part === 0 ? '0' : time(all * part)}
            </span>
          ))}
        </div>
        <ol className="tr-list" aria-label={t('calls')}>
          {hops.map((hop, i) => (
            <li key={hop.id}>
              <button
                type="button"
                id={`tr-${hop.id}`}
                aria-pressed={hop === selected}
                className={hop === selected ? 'tr-row is-sel' : 'tr-row'}
                onClick={() => select(hop)}
                onKeyDown={(event) => onKey(event, i)}
              >
                <span className="tr-name" style={{ paddingInlineStart: 14 + Math.min(hop.depth, 8) * 15 }}>
                  <i className={`tr-c h${colours.get(hop.name)}`} aria-hidden="true" />
                  <b>{hop.name}</b>
                  <span className="dim cut" data-ellipsis>
                    {hop.what}
                  </span>
                  {hop.error && <HealthGlyph health="failing" size={12} label={t('error')} />}
                </span>
                <span className="tr-bar-c">
                  <i
                    className={`h${colours.get(hop.name)}${hop.error ? ' e' : ''}`}
                    style={{
                      insetInlineStart: `${(hop.at / all) * 100}%`,
                      inlineSize: `max(3px, ${(hop.length / all) * 100}%)`,
                    }}
                  />
                  <span className="vh">{t('starts', { at: time(hop.at) })}</span>
                </span>
                <span className="tr-time num">{time(hop.length)}</span>
              </button>
            </li>
          ))}
        </ol>
      </Sheet>
      {selected && <Details hop={selected} />}
    </div>
  );
}

/** One call: its answer, both ends, and the way to its service and rules. */
function Details({ hop }: { hop: Hop }) {
  const t = useTracesTexts();
  const words = useHealthWords();
  const service = hop.service;
  const facts: [string, React.ReactNode][] = [
    [
      t('answer'),
      <span key="answer" className={hop.error ? 'k-failing' : undefined}>
        {[hop.status, words.flags(hop.flags, hop.name)].filter(Boolean).join(', ') || '–'}
      </span>,
    ],
    [t('duration'), time(hop.length)],
    [t('self'), time(hop.self)],
    ...(hop.between === undefined ? [] : [[t('between'), plain(duration(hop.between))] as [string, string]]),
    ...(hop.from
      ? [
          [
            t('from'),
            <span key="from" className="mono">
              {hop.from}
            </span>,
          ] as [string, React.ReactNode],
        ]
      : []),
    ...(hop.to
      ? [
          [
            t('to'),
            <Link key="to" to={proxyAddress(hop.to)} className="mono">
              {hop.to}
            </Link>,
          ] as [string, React.ReactNode],
        ]
      : []),
  ];
  return (
    <Sheet title={hop.name} className="tr-details">
      <dl className="tr-kv num">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {service && (
        <div className="ph-act tr-act">
          <Button size="sm" variant="secondary" component={(props) => <Link {...props} to={serviceAddress(service)} />}>
            {t('open.service')}
          </Button>
          <Button
            size="sm"
            variant="secondary"
            component={(props) => <Link {...props} to={`${serviceAddress(service)}?tab=rules`} />}
          >
            {t('open.rules')}
          </Button>
        </div>
      )}
    </Sheet>
  );
}
