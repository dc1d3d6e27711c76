import { Button, FormSelect, FormSelectOption, TextArea, TextInput } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { ArrowRight } from 'lucide-react';
import { useId, useMemo, useState } from 'react';
import type { PreviewEntry, Service, SimulateAnswer, TryOutputBody, Workload } from '../../api/generated/types.gen';
import { asProblem, type Problem } from '../../api/problem';
import { request } from '../../api/request';
import { duration, plain } from '../../lib/format';
import { HealthGlyph } from '../../ui/glyph';
import { useProblemWords } from '../../ui/problem-words';
import { weave } from '../../ui/weave';
import { places, question } from './model/asked';
import { audience } from './model/audience';
import { outcome } from './model/outcome';
import { useChangeTexts } from './texts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'];

interface TryRequestProps {
  service: Service;
  /** The rule as it would be: it says who asks for the service, and by which host. */
  yaml: string;
  entries: readonly PreviewEntry[];
}

/** Where one request goes now and would go after the change; nobody is asked, it is computed. */
export function TryRequest({ service, yaml, entries }: TryRequestProps) {
  const t = useChangeTexts();
  const words = useProblemWords();
  const asked = useMemo(() => audience(yaml), [yaml]);
  const workloads = useQuery({
    queryKey: ['workloads to try from'],
    queryFn: ({ signal }) => request<Workload[] | null>('/api/v1/workloads', { signal }),
  });
  const callers = [
    ...new Map(
      (workloads.data ?? [])
        .filter((w) => w.meshed && w.ready)
        .map((w) => [`${w.namespace}/${w.workload}`, { value: w.pod, name: w.workload, gateway: w.gateway }]),
    ).values(),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
  const others = callers.filter((c) => !(service.workloads ?? []).includes(c.name));
  const [method, setMethod] = useState('GET');
  const [path, setPath] = useState('/');
  const [headers, setHeaders] = useState('');
  const [from, setFrom] = useState('');
  // Nothing is said of a question that is not the one that stands there.
  const [said, setSaid] = useState<{ of: string; answer?: TryOutputBody; problem?: Problem }>();
  const [busy, setBusy] = useState(false);
  const usual = (asked.gateway ? callers.find((c) => c.gateway) : others.find((c) => !c.gateway)) ?? callers[0];
  const caller = callers.find((c) => c.value === from) ?? usual;
  const known = places(service, asked, caller?.gateway === true);
  const [typedHost, setTypedHost] = useState<string>();
  const host = typedHost ?? known[0] ?? '';
  const list = useId();
  const body = question({ method, path, host, headers, from: caller?.value ?? '' }, entries);
  const key = JSON.stringify(body);
  const { answer, problem } = said?.of === key ? said : {};

  const ask = async () => {
    setBusy(true);
    setSaid(undefined);
    try {
      setSaid({ of: key, answer: await request<TryOutputBody>('/api/v1/try', { method: 'POST', body }) });
    } catch (error) {
      setSaid({ of: key, problem: asProblem(error) });
    } finally {
      setBusy(false);
    }
  };

  return (
    <section>
      <h2>{t('try')}</h2>
      <form
        className="cw-try"
        onSubmit={(e) => {
          e.preventDefault();
          void ask();
        }}
      >
        <FormSelect aria-label={t('try.method')} value={method} onChange={(_, v) => setMethod(v)}>
          {methods.map((m) => (
            <FormSelectOption key={m} value={m} label={m} />
          ))}
        </FormSelect>
        <TextInput aria-label={t('try.path')} className="mono" value={path} onChange={(_, v) => setPath(v)} />
        <FormSelect aria-label={t('try.from')} value={caller?.value} onChange={(_, v) => setFrom(v)}>
          {callers.map((c) => (
            <FormSelectOption key={c.value} value={c.value} label={t('try.caller', { name: c.name })} />
          ))}
        </FormSelect>
        <TextInput
          aria-label={t('try.host')}
          className="mono cw-all"
          value={host}
          list={list}
          autoComplete="off"
          spellCheck={false}
          onChange={(_, v) => setTypedHost(v)}
        />
        <datalist id={list}>
          {known.map((place) => (
            <option key={place} value={place} />
          ))}
        </datalist>
        <TextArea
          aria-label={t('try.headers')}
          placeholder={t('try.headersHint')}
          className="mono cw-wide"
          rows={2}
          resizeOrientation="vertical"
          spellCheck={false}
          value={headers}
          onChange={(_, v) => setHeaders(v)}
        />
        <Button variant="secondary" type="submit" isDisabled={busy || !caller || host.trim() === ''} isLoading={busy}>
          {t('try.ask')}
        </Button>
      </form>
      {problem && (
        <p role="alert" className="k-failing">
          {words(problem)}
        </p>
      )}
      {answer && (
        <div className="cw-ba num" role="status">
          <Answer title={t('try.before')} answer={answer.before} />
          <ArrowRight size={16} aria-hidden />
          <Answer title={t('try.after')} answer={answer.after ?? answer.before} />
        </div>
      )}
    </section>
  );
}

function Answer({ title, answer }: { title: string; answer: SimulateAnswer }) {
  const t = useChangeTexts();
  const o = outcome(answer);
  return (
    <div>
      <Fork shares={o.shares.map((s) => s.percent)} />
      <span className="dim">{title}</span>
      {o.shares.map((s, i) => (
        <p key={s.name}>
          <i className={`sw ${weave(i)}`} aria-hidden="true" />
          {t('try.share', { name: s.name, percent: s.percent })}{' '}
          {s.empty && <HealthGlyph health="failing" size={12} label={t('try.empty')} />}
        </p>
      ))}
      {o.redirect && <p>{t('try.redirect', { status: o.redirect.status, location: o.redirect.location })}</p>}
      {o.status !== undefined && <p>{t('try.direct', { status: o.status })}</p>}
      {o.failure && (
        <p className="k-failing">
          <q>{o.failure}</q>
        </p>
      )}
      {o.delay && (
        <p className="dim">{t('try.delay', { time: plain(duration(o.delay.ms)), percent: o.delay.percent })}</p>
      )}
      {o.abort && <p className="dim">{t('try.abort', { status: o.abort.status, percent: o.abort.percent })}</p>}
      {o.mirrors.length > 0 && <p className="dim">{t('try.mirror', { names: o.mirrors.join(', ') })}</p>}
      {o.rewritten && <p className="dim">{t('try.rewritten', { path: o.rewritten })}</p>}
      <p className="dim">
        {o.timeout === undefined ? t('try.noTimeout') : t('try.timeout', { time: plain(duration(o.timeout)) })}
        {o.tries > 1 && ` · ${t('try.tries', { count: o.tries })}`}
      </p>
    </div>
  );
}

const width = (percent: number) => 1.5 + percent * 0.065;

/** Where a request may go, each way as thick as its share. */
function Fork({ shares }: { shares: readonly number[] }) {
  const ends = shares.slice(0, 3);
  const y = (i: number) => (ends.length === 1 ? 28 : 10 + (i * 36) / (ends.length - 1));
  return (
    <svg className="cw-fork" width="50" height="50" viewBox="2 0 58 56" aria-hidden="true" fill="none">
      {ends.map((share, i) => (
        <path
          key={i}
          d={`M6 28C30 28 30 ${y(i)} 54 ${y(i)}`}
          stroke={share > 0 ? 'var(--hd-thread)' : 'var(--hd-idle)'}
          strokeWidth={share > 0 ? width(share) : 1.3}
          strokeDasharray={share > 0 ? undefined : '3 4'}
        />
      ))}
      {[28, ...ends.map((_, i) => y(i))].map((at, i) => (
        <ellipse
          key={i}
          cx={i === 0 ? 6 : 56}
          cy={at}
          rx="4"
          ry="7"
          fill="var(--hd-surface)"
          stroke="var(--hd-control)"
          strokeWidth="1.5"
        />
      ))}
    </svg>
  );
}
