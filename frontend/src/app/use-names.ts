import { useQuery } from '@tanstack/react-query';
import { servicesOptions, workloadsOptions } from '../api/generated/@tanstack/react-query.gen';
import type { LiveObject, Service, Workload } from '../api/generated/types.gen';
import { useSelected, useTopic } from '../api/live/use-live';

/** The names of everything, for the namespace picker and the jump palette. */
export interface Names {
  namespaces: string[];
  services: Service[];
  workloads: Workload[];
  objects: LiveObject[];
}

const fresh = { staleTime: 30_000, refetchInterval: 60_000 } as const;

export function useNames(): Names {
  const services = useQuery({ ...servicesOptions(), ...fresh }).data ?? [];
  const workloads = useQuery({ ...workloadsOptions(), ...fresh }).data ?? [];
  const objects = useSelected(useTopic('objects'), sorted);
  return {
    namespaces: [...new Set([...services, ...workloads].map((n) => n.namespace))].sort(),
    services,
    workloads,
    objects,
  };
}

const sorted = (objects: ReadonlyMap<string, LiveObject>): LiveObject[] =>
  [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
