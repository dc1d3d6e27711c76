import { useQuery } from '@tanstack/react-query';
import type { CanarySplit, LiveObject, Object as MeshObject, Ref, Service } from '../../api/generated/types.gen';
import { useElements, useTopic, useTopicStatus } from '../../api/live/use-live';
import { path, request } from '../../api/request';
import { isService } from './model/destinations';
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

const keyOf = (ref: Ref) => `${ref.namespace}/${ref.name}`;

/**
 * The rule that says where calls of the service go in the mesh. A second one for the same host
 * would be no second rule but a mistake, so whichever claims the host is the one to change, also
 * where its shares could not be: rules of gateways come after it, and can be chosen.
 */
export function ownRule(
  rules: readonly Pick<LiveObject, 'ref' | 'hosts'>[],
  split: Pick<CanarySplit, 'candidates' | 'refused'> | undefined,
  service: Pick<Context, 'namespace' | 'name'>,
): Ref | undefined {
  const told = split?.candidates?.find((c) => c.kind === 'mesh')?.ref ?? split?.refused?.ref;
  const known = told?.kind === 'VirtualService' ? rules.find((r) => keyOf(r.ref) === keyOf(told)) : undefined;
  const claims = rules.find((r) => r.hosts?.some((host) => isService(host, r.ref.namespace ?? '', service)));
  const named = rules.find((r) => r.ref.namespace === service.namespace && r.ref.name === service.name);
  return (known ?? claims ?? named)?.ref;
}

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
  const virtualServices = objects.filter((o) => o.ref.kind === 'VirtualService');
  const rules = virtualServices.map((o) => o.ref);
  const ref =
    chosen === 'new'
      ? undefined
      : (rules.find((r) => keyOf(r) === chosen) ?? ownRule(virtualServices, split.data, { namespace, name }));
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
