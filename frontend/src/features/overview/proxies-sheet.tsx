import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { LiveProxy } from '../../api/generated/types.gen';
import { duration, instant, lasting } from '../../lib/format';
import { answerTime, type Certificates, certificatesOf } from '../../lib/proxy-figures';
import { Figure } from '../../ui/figure';
import { Sheet } from '../../ui/page';
import { useNow } from '../../ui/use-now';
import { useOverviewTexts } from './texts';

export type ProxyState = 'rejected' | 'waiting' | 'ok';

export const proxyState = (p: LiveProxy): ProxyState =>
  (p.refused?.length ?? 0) > 0 ? 'rejected' : p.settled && !p.stale ? 'ok' : 'waiting';

const order: Record<ProxyState, number> = { rejected: 0, waiting: 1, ok: 2 };

/** One square for each proxy: those that rejected stand out, by height too. */
export function ProxiesSheet({ proxies }: { proxies: readonly LiveProxy[] }) {
  const t = useOverviewTexts();
  const states = useMemo(() => proxies.map(proxyState).sort((a, b) => order[a] - order[b]), [proxies]);
  const of = (state: ProxyState) => states.filter((s) => s === state).length;
  const now = useNow(30_000);
  const push = answerTime(proxies, 99);
  const certificates = certificatesOf(proxies, now);
  if (proxies.length === 0) {
    return (
      <Sheet title={t('proxies')}>
        <p className="ov-none">{t('proxies.none')}</p>
      </Sheet>
    );
  }
  return (
    <Sheet
      title={t('proxies')}
      facts={t('proxies.sync', { ok: of('ok'), all: states.length })}
      end={<Link to={'/proxies' as string}>{t('proxies.all')}</Link>}
    >
      <div
        className="ov-px"
        role="img"
        aria-label={t('proxies.label', { ok: of('ok'), waiting: of('waiting'), rejected: of('rejected') })}
      >
        {states.slice(0, 200).map((state, i) => (
          <i key={i} className={`is-${state}`} />
        ))}
      </div>
      {push !== undefined && (
        <div className="kv">
          <span>{t('proxies.push')}</span>
          <b className="num">
            <Figure of={duration(push)} />
          </b>
        </div>
      )}
      {certificates && (
        <div className="kv">
          <span>{t('proxies.certificate')}</span>
          <Certificate of={certificates} now={now} />
        </div>
      )}
    </Sheet>
  );
}

/** When the next certificate ends; what went wrong with renewing stands instead. */
function Certificate({ of, now }: { of: Certificates; now: number }) {
  const t = useOverviewTexts();
  const time = lasting((of.ends - now) / 1000, t.language);
  if (of.ended > 0) {
    return <b className="num k-failing">{t('certificate.ended', { count: of.ended })}</b>;
  }
  if (of.overdue > 0) {
    return <b className="num k-degraded">{t('certificate.overdue', { count: of.overdue, time })}</b>;
  }
  return <b className="num">{t('certificate.renews', { time, at: instant(of.renews, now) })}</b>;
}
