import { clock, lasting } from '../lib/format';
import { useUiTexts } from './texts';
import { useNow } from './use-now';

/** When figures are from that are not of now. What shows them has the class is-old. */
export function AsOf({ since }: { since: number }) {
  const t = useUiTexts();
  const now = useNow();
  return (
    <span className="old-t num">
      {t('stale', { time: clock(since), age: lasting(Math.max(0, now - since) / 1000, t.language) })}
    </span>
  );
}
