import { useParams } from '@tanstack/react-router';
import { useCallback } from 'react';
import { DetailPage } from './detail-page';

export function WorkloadPage() {
  const { namespace = '', name = '' } = useParams({ strict: false }) as { namespace?: string; name?: string };
  const hasPod = useCallback((pod: { workload: string }) => pod.workload === name, [name]);
  return <DetailPage key={`${namespace}/${name}`} subject={{ kind: 'workload', namespace, name }} hasPod={hasPod} />;
}
