import { useEffect, useState } from 'react';
import { useConnection } from '../../api/live/use-live';
import { clock } from '../../lib/format';
import { useAppTexts } from '../texts';

/** Live with the time of now, or since when it is not. */
export function ConnectionState() {
  const t = useAppTexts();
  const { state, since } = useConnection();
  const live = state === 'live';
  const words =
    state === 'stale'
      ? t('connection.stale', { time: clock(since) })
      : t(`connection.${state === 'off' ? 'connecting' : state}`);
  return (
    <span className={`conn${live ? '' : ' is-stale'}`} data-connection={state}>
      <svg width="16" height="10" viewBox="0 0 16 10" aria-hidden="true">
        <path
          d={live ? 'M1 5h3.5l2-3.5 3 7 2-3.5H15' : 'M1 5h4M11 5h4'}
          fill="none"
          stroke="currentColor"
          strokeWidth="1.6"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      {/* The words are a status; the clock beside them would be read out every second. */}
      <span role="status">{words}</span>
      {live && <Clock />}
    </span>
  );
}

function Clock() {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return <span className="num conn-t">{clock(now)}</span>;
}
