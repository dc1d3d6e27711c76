import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ComponentType, useCallback } from 'react';
import { serviceOptions } from '../../api/generated/@tanstack/react-query.gen';
import { DetailPage } from './detail-page';

/** What app puts first on a service's overview: how its traffic is split. */
export type SplitSlot = ComponentType<{ namespace: string; name: string }>;

export function ServicePage({ Split }: { Split?: SplitSlot }) {
  const { namespace = '', name = '' } = useParams({ strict: false }) as { namespace?: string; name?: string };
  const service = useQuery(serviceOptions({ path: { namespace, name } })).data;
  const workloads = service?.workloads;
  const hasPod = useCallback((pod: { workload: string }) => workloads?.includes(pod.workload) ?? false, [workloads]);
  const ports = (service?.ports ?? []).map((p) => `${p.protocol} ${p.number}`);
  return (
    <DetailPage
      key={`${namespace}/${name}`}
      subject={{ kind: 'service', namespace, name }}
      facts={ports.length > 0 && <span>{ports.join(', ')}</span>}
      hasPod={hasPod}
      first={Split && <Split namespace={namespace} name={name} />}
    />
  );
}
