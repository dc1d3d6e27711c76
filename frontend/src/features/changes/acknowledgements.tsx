import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import type { DeliverySummary, LiveDelivery } from '../../api/generated/types.gen';
import { proxyAddress } from '../../lib/addresses';
import { duration, lasting, plain, rate } from '../../lib/format';
import { HealthGlyph } from '../../ui/glyph';
import { ObjectLink } from '../../ui/object-link';
import { useNow } from '../../ui/use-now';
import { byUrgency, inOrder } from './delivery';
import { useChangesTexts } from './texts';

interface AcknowledgementsProps {
  summary: DeliverySummary | undefined;
  rows: readonly LiveDelivery[];
}

/** Every proxy concerned and its answer; rejected first, with Envoy's words. */
export function Acknowledgements({ summary, rows }: AcknowledgementsProps) {
  const t = useChangesTexts();
  // Under a pointer or the focus the rows stay where they are.
  const [held, setHeld] = useState(false);
  const order = useRef<string[]>([]);
  const sorted = held ? inOrder(rows, order.current) : [...rows].sort(byUrgency);
  order.current = sorted.map((r) => r.uid);
  const now = useNow(1000);
  return (
    <section className="sheet">
      <h2>
        {t('proxies')}
        {summary && (
          <span className="dim num" aria-live="polite">
            {t('counts', {
              acknowledged: summary.acknowledged,
              pending: summary.pending,
              rejected: summary.rejected,
            })}
          </span>
        )}
        <span className="fill" />
        <span className="dim num">{t('after')}</span>
      </h2>
      <ul
        className="ak"
        onPointerEnter={() => setHeld(true)}
        onPointerLeave={() => setHeld(false)}
        onFocus={() => setHeld(true)}
        onBlur={() => setHeld(false)}
      >
        {sorted.map((r) => (
          <Row key={r.uid} row={r} now={now} />
        ))}
      </ul>
    </section>
  );
}

/** The scale of the answers: one second from end to end. */
const scale = 1000;

function Row({ row: r, now }: { row: LiveDelivery; now: number }) {
  const t = useChangesTexts();
  const waits = Math.max(0, (now - Date.parse(r.since)) / 1000);
  return (
    <li>
      <div className={`ak-r a-${r.state}`}>
        {r.state === 'acknowledged' ? (
          <HealthGlyph health="healthy" size={13} label={t('acknowledged')} />
        ) : r.state === 'rejected' ? (
          <HealthGlyph health="failing" size={14} label={t('rejected')} />
        ) : (
          <span className="spin" role="img" aria-label={t('pending')} />
        )}
        <Link to={proxyAddress(r.id)} className="mono cut plain" data-ellipsis title={r.id}>
          {r.id}
        </Link>
        <span className="dim num">
          {r.rps > 0 ? t('sends', { rate: plain(rate(r.rps, t('rps'))) }) : r.state === 'pending' ? t('noAnswer') : ''}
        </span>
        <span className="ak-b" aria-hidden="true">
          {r.ms === undefined ? <em /> : <i style={{ insetInlineStart: `${Math.min(96, (r.ms / scale) * 96)}%` }} />}
        </span>
        <span className="num ak-n">{r.ms === undefined ? lasting(waits, t.language) : plain(duration(r.ms))}</span>
      </div>
      {r.state === 'rejected' && <Rejection row={r} />}
    </li>
  );
}

function Rejection({ row: r }: { row: LiveDelivery }) {
  const t = useChangesTexts();
  const refs = r.refs ?? [];
  return (
    <div className="ak-x">
      <p>
        <b>{t('envoySaid')}</b> <q className="mono">{r.error}</q>
      </p>
      <p>
        {t(r.ownFault ? 'thisChange' : 'notThisChange')} {t('keeps')}
      </p>
      {refs.length > 0 && (
        <p>
          {t('causedBy')}{' '}
          {refs.map((ref, i) => (
            <span key={`${ref.kind}/${ref.namespace}/${ref.name}`}>
              {i > 0 && ', '}
              {ref.kind} <ObjectLink to={ref} />
            </span>
          ))}
        </p>
      )}
      <Link to={proxyAddress(r.id)}>{t('showProxy')}</Link>
    </div>
  );
}
