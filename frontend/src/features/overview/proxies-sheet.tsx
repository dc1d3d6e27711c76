import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { LiveProxy } from '../../api/generated/types.gen';
import { duration } from '../../lib/format';
import { Figure } from '../../ui/figure';
import { Sheet } from '../../ui/page';
import { useOverviewTexts } from './texts';

export type ProxyState = 'rejected' | 'waiting' | 'ok';

export const proxyState = (p: LiveProxy): ProxyState =>
  (p.refused?.length ?? 0) > 0 ? 'rejected' : p.settled && !p.stale ? 'ok' : 'waiting';

const order: Record<ProxyState, number> = { rejected: 0, waiting: 1, ok: 2 };

/** The longest that a proxy took to answer what it was sent last, in milliseconds. */
export function slowestAnswer(proxies: readonly LiveProxy[]): number | undefined {
  const answers = proxies.flatMap((p) =>
    (p.types ?? []).flatMap(({ sent, acked }) =>
      sent.at && acked.at && sent.nonce === acked.nonce ? [Date.parse(acked.at) - Date.parse(sent.at)] : [],
    ),
  );
  return answers.length > 0 ? Math.max(0, ...answers) : undefined;
}

/** One square for each proxy: those that rejected stand out, by height too. */
export function ProxiesSheet({ proxies }: { proxies: readonly LiveProxy[] }) {
  const t = useOverviewTexts();
  const states = useMemo(() => proxies.map(proxyState).sort((a, b) => order[a] - order[b]), [proxies]);
  const of = (state: ProxyState) => states.filter((s) => s === state).length;
  const slowest = slowestAnswer(proxies);
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
      {slowest !== undefined && (
        <div className="kv">
          <span>{t('proxies.slowest')}</span>
          <b className="num">
            <Figure of={duration(slowest)} />
          </b>
        </div>
      )}
    </Sheet>
  );
}
