import { Link } from '@tanstack/react-router';
import type { LiveProxy, Ref } from '../../api/generated/types.gen';
import { useElements, useTopic } from '../../api/live/use-live';
import { proxyAddress } from '../../lib/addresses';
import { fullName, type ObjectName } from '../../lib/kinds';
import { Banner } from '../../ui/states';
import { useRulesTexts } from './texts';

// Two kinds of one name are told apart by their group: Istio's Gateway and that of Kubernetes.
const isSame = (a: ObjectName, b: ObjectName) => (a.group ?? '') === (b.group ?? '') && fullName(a) === fullName(b);

/** What proxies reject of what an object makes, with Envoy's words; nothing while they take it. */
export function Rejected({ object }: { object: Ref }) {
  const t = useRulesTexts();
  const proxies = useElements<LiveProxy>(useTopic('proxies'));
  const refusals = [...proxies.values()].flatMap((proxy) => {
    const own = (proxy.refused ?? []).find((r) => (r.refs ?? []).some((ref) => isSame(ref, object)));
    return own ? [{ proxy, words: own.message }] : [];
  });
  const [first] = refusals;
  if (!first) {
    return null;
  }
  return (
    <Banner
      tone="failing"
      lead={t('rejected', { count: refusals.length })}
      action={<Link to={proxyAddress(first.proxy.id)}>{t('rejected.see')}</Link>}
    >
      {t('rejected.said')} <q className="said">{first.words}</q> {t('rejected.keeps', { count: refusals.length })}
    </Banner>
  );
}
