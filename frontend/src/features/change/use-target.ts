import { useQuery } from '@tanstack/react-query';
import type { CanarySplit, LiveObject, Object as MeshObject, Ref, Service } from '../../api/generated/types.gen';
import { useElements, useTopic, useTopicStatus } from '../../api/live/use-live';
import { path, request } from '../../api/request';
import type { Context } from './model/form';
import { newVirtualService } from './model/write';

/** The object that is written, as it is now; without an etag it does not exist yet. */
export interface Base {
  readonly ref: Ref;
  readonly yaml: string;
  readonly etag: string;
}

const group = 'networking.istio.io';
const read = (ref: Ref | undefined) =>
  ({
    queryKey: ['object to change', ref?.kind, ref?.namespace, ref?.name],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      request<MeshObject>(path`/api/v1/config/${ref?.kind ?? ''}/${ref?.namespace || '_'}/${ref?.name ?? ''}`, {
        signal,
      }),
    enabled: ref !== undefined,
    staleTime: 0,
  }) as const;

/** Everything that the wizard needs to know of a service: its versions, and the objects to write. */
export function useTarget(service: string, chosen: string | undefined) {
  const [namespace = '', name = ''] = service.split('/');
  const info = useQuery({
    queryKey: ['service', namespace, name],
    queryFn: ({ signal }) => request<Service>(path`/api/v1/services/${namespace}/${name}`, { signal }),
    enabled: name !== '',
  });
  const split = useQuery({
    queryKey: ['split', namespace, name],
    queryFn: ({ signal }) => request<CanarySplit>(path`/api/v1/services/${namespace}/${name}/split`, { signal }),
    enabled: name !== '',
  });
  const topic = useTopic('objects');
  const status = useTopicStatus(topic);
  const objects = [...useElements<LiveObject>(topic).values()].filter((o) => (o.services ?? []).includes(service));
  const rules = objects.filter((o) => o.ref.kind === 'VirtualService').map((o) => o.ref);
  // The rule of the mesh comes first; those of gateways can be chosen.
  const preferred = split.data?.candidates?.find((c) => c.kind === 'mesh')?.ref;
  const keyOf = (ref: Ref) => `${ref.namespace}/${ref.name}`;
  const own = rules.find((r) => preferred && keyOf(r) === keyOf(preferred)) ?? rules.find((r) => r.name === name);
  const ref = chosen === 'new' ? undefined : (rules.find((r) => keyOf(r) === chosen) ?? own);
  const object = useQuery(read(ref));
  const destinationRef = objects.find((o) => o.ref.kind === 'DestinationRule')?.ref;
  const destination = useQuery(read(destinationRef));

  const context: Context = {
    namespace,
    name,
    versions: (split.data?.versions ?? []).map((v) => ({
      version: v.version,
      subset: v.subset ?? '',
      labels: v.labels,
    })),
  };
  const fresh: Base = {
    ref: { group, kind: 'VirtualService', namespace, name },
    yaml: newVirtualService(context),
    etag: '',
  };
  const base: Base | undefined = ref
    ? object.data && { ref: object.data.ref, yaml: object.data.yaml, etag: object.data.etag }
    : status.state === 'ready' && split.data
      ? fresh
      : undefined;
  return {
    info,
    split,
    rules,
    ref,
    base: split.data ? base : undefined,
    context,
    destination: destinationRef
      ? destination.data && { ref: destination.data.ref, yaml: destination.data.yaml, etag: destination.data.etag }
      : null,
    error: info.error ?? split.error ?? object.error ?? destination.error ?? undefined,
    again: () => {
      void object.refetch();
      void split.refetch();
    },
  };
}
