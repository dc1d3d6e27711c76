import { Button } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';
import type { LiveProxy, Workload } from '../../api/generated/types.gen';
import { useElements, useTopic } from '../../api/live/use-live';
import { proxyAddress, workloadAddress } from '../../lib/addresses';
import { Rate } from '../../ui/figures';
import { HealthGlyph } from '../../ui/glyph';
import { Sheet } from '../../ui/page';
import { Loading } from '../../ui/states';
import type { Detail } from './detail';
import { Logs } from './logs';
import { useServicesTexts } from './texts';
import { useAddress } from './use-address';

/** Its pods with their proxies, and the log of one of them. */
export function PodsTab({ subject, pods }: Detail) {
  const t = useServicesTexts();
  const [search, change] = useAddress();
  const proxies = useElements<LiveProxy>(useTopic('proxies'));
  const chosen = pods?.find((p) => p.pod === search.pod) ?? pods?.[0];
  return (
    <>
      <Sheet title={t('pods')}>
        {pods === undefined && <Loading />}
        {pods?.length === 0 && <p className="sv-none">{t('pods.none')}</p>}
        {pods && pods.length > 0 && (
          <div className="sv-wrap">
            <table className="vt pad num sv-left">
              <thead>
                <tr>
                  <th scope="col">{t('pods.pod')}</th>
                  <th scope="col">{t('pods.ready')}</th>
                  {subject.kind === 'service' && <th scope="col">{t('pods.workload')}</th>}
                  <th scope="col">{t('pods.version')}</th>
                  <th scope="col">{t('pods.address')}</th>
                  <th scope="col">{t('pods.proxy')}</th>
                  <th scope="col" className="is-n">
                    {t('pods.rate')}
                  </th>
                  <th scope="col">
                    <span className="vh">{t('pods.logs')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {pods.map((pod) => (
                  <tr key={pod.uid}>
                    <th scope="row" className="mono">
                      {pod.pod}
                    </th>
                    <td>
                      <HealthGlyph health={pod.ready ? 'healthy' : 'failing'} size={12} label="" />{' '}
                      {t(pod.ready ? 'pods.ready.yes' : 'pods.ready.no')}
                    </td>
                    {subject.kind === 'service' && (
                      <td>
                        <Link to={workloadAddress({ namespace: pod.namespace, name: pod.workload })}>
                          {pod.workload}
                        </Link>
                      </td>
                    )}
                    <td>{pod.version}</td>
                    <td className="mono">{pod.address}</td>
                    <td>
                      <ProxyState proxy={proxies.get(pod.uid)} />
                    </td>
                    <td className="is-n">
                      {proxies.has(pod.uid) && <Rate of={{ rate: proxies.get(pod.uid)?.rps ?? 0, errorShare: 0 }} />}
                    </td>
                    <td>
                      <Button
                        variant="link"
                        isInline
                        aria-pressed={pod === chosen}
                        aria-label={t('pods.logs.of', { pod: pod.pod })}
                        onClick={() => change({ pod: pod.pod })}
                      >
                        {t('pods.logs')}
                      </Button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Sheet>
      {chosen && <LogsOf pod={chosen} />}
    </>
  );
}

const LogsOf = ({ pod }: { pod: Workload }) => (
  <Logs key={pod.uid} namespace={pod.namespace} pod={pod.pod} meshed={pod.meshed || pod.gateway} />
);

function ProxyState({ proxy }: { proxy: LiveProxy | undefined }) {
  const t = useServicesTexts();
  if (!proxy) {
    return <span className="dim">{t('pods.proxy.none')}</span>;
  }
  const state = (proxy.refused?.length ?? 0) > 0 ? 'rejected' : proxy.settled ? 'ok' : 'waiting';
  return (
    <Link to={proxyAddress(proxy.id)} className={state === 'rejected' ? 'k-failing' : undefined}>
      {t(`pods.proxy.${state}`)}
    </Link>
  );
}
