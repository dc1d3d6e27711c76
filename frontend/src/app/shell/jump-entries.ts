import type { LinkProps } from '@tanstack/react-router';
import type { Capability } from '../../api/session-store';
import { addressOf, fullName } from '../../lib/kinds';
import type { useAppTexts } from '../texts';
import type { Names } from '../use-names';
import { navGroups } from './nav-items';

/** Something to jump to. */
export interface JumpEntry {
  readonly id: string;
  readonly group: 'pages' | 'services' | 'workloads' | 'objects' | 'actions';
  readonly label: string;
  /** Dimmer words beside it: a namespace, a kind. Searched too. */
  readonly hint?: string;
  readonly link: LinkProps;
}

interface Known {
  readonly names: Names;
  readonly t: ReturnType<typeof useAppTexts>;
  readonly can: (capability: Capability) => boolean;
}

type Provider = (known: Known) => JumpEntry[];

const pages: Provider = ({ t }) =>
  navGroups.flatMap((group) =>
    group.entries.map((entry) => ({
      id: `page ${entry.page}`,
      group: 'pages' as const,
      label: t(`page.${entry.page}`),
      hint: t(`nav.${group.title}`),
      link: { to: entry.to },
    })),
  );

const objects: Provider = ({ names }) =>
  names.objects.map(({ ref }) => ({
    id: `object ${fullName(ref)} ${ref.group ?? ''}`,
    group: 'objects' as const,
    label: ref.name,
    hint: ref.namespace ? `${ref.kind} ${ref.namespace}` : ref.kind,
    link: { to: '/rules/$kind/$namespace/$name', params: addressOf(ref) },
  }));

const services: Provider = ({ names }) =>
  names.services.map(({ namespace, name }) => ({
    id: `service ${namespace}/${name}`,
    group: 'services' as const,
    label: name,
    hint: namespace,
    link: { to: '/services/$namespace/$name', params: { namespace, name } },
  }));

/** A workload once, however many pods it has. */
const workloads: Provider = ({ names }) =>
  [...new Map(names.workloads.map((w) => [`${w.namespace}/${w.workload}`, w])).values()]
    .filter((w) => w.workload !== '')
    .map(({ namespace, workload }) => ({
      id: `workload ${namespace}/${workload}`,
      group: 'workloads' as const,
      label: workload,
      hint: namespace,
      link: { to: '/workloads/$namespace/$name', params: { namespace, name: workload } },
    }));

/** Who knows of something to jump to. A page that shows single things adds them here. */
const providers: readonly Provider[] = [pages, services, workloads, objects];

export const jumpEntries = (known: Known): JumpEntry[] => providers.flatMap((provider) => provider(known));
