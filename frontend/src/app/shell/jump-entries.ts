import type { LinkProps } from '@tanstack/react-router';
import type { GraphLiveNode, LiveProxy } from '../../api/generated/types.gen';
import type { Capability } from '../../api/session-store';
import { settingsTabs } from '../../features/settings/tabs';
import type { useSettingsTexts } from '../../features/settings/texts';
import { addressOf, fullName } from '../../lib/kinds';
import { languages } from '../preferences';
import type { useAppTexts } from '../texts';
import type { Names } from '../use-names';
import { navGroups } from './nav-items';

/** What the palette does by itself, wherever one is. */
export type Deed = 'theme' | 'language' | 'signOut';

/** Something to jump to, or to do. */
export interface JumpEntry {
  readonly id: string;
  readonly group: 'pages' | 'services' | 'workloads' | 'objects' | 'proxies' | 'actions';
  readonly label: string;
  /** Dimmer words beside it: a namespace, a kind. Searched too. */
  readonly hint?: string;
  readonly link?: LinkProps;
  readonly deed?: Deed;
}

interface Known {
  readonly names: Names;
  readonly proxies: readonly Pick<LiveProxy, 'id' | 'pod' | 'namespace'>[];
  /** The services that the topology draws. */
  readonly drawn: readonly Pick<GraphLiveNode, 'id' | 'namespace' | 'name'>[];
  readonly t: ReturnType<typeof useAppTexts>;
  readonly settings: ReturnType<typeof useSettingsTexts>;
  readonly can: (capability: Capability) => boolean;
  readonly dark: boolean;
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

const history: Provider = ({ t }) => [
  { id: 'page changes', group: 'pages', label: t('page.changes'), hint: t('nav.change'), link: { to: '/changes' } },
];

const deeds: Provider = ({ t, dark }) => [
  { id: 'deed theme', group: 'actions', label: t(dark ? 'theme.light' : 'theme.dark'), deed: 'theme' },
  {
    id: 'deed language',
    group: 'actions',
    label: t('jump.language', { language: languages[t.language === 'zh' ? 'en' : 'zh'] }),
    deed: 'language',
  },
  { id: 'deed signOut', group: 'actions', label: t('signOut'), deed: 'signOut' },
];

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

const settingsPages: Provider = ({ t, settings, can }) =>
  settingsTabs
    .filter(({ admin }) => !admin || can('admin'))
    .map(({ tab }) => ({
      id: `settings ${tab}`,
      group: 'pages',
      label: settings(`tab.${tab}`),
      hint: t('page.settings'),
      link: { to: '/settings', search: { tab } } as LinkProps,
    }));

const proxies: Provider = (known) =>
  known.proxies.map(({ id, pod, namespace }) => ({
    id: `proxy ${id}`,
    group: 'proxies',
    label: pod,
    ...(namespace ? { hint: namespace } : {}),
    link: { to: '/proxies/$proxy', params: { proxy: id } },
  }));

/** Who may not change anything does not find it here either. */
const wizard: Provider = ({ names, t, can }) =>
  can('editTraffic')
    ? [
        { id: 'page new', group: 'pages', label: t('jump.new'), hint: t('nav.change'), link: { to: '/rules/new' } },
        { id: 'page change', group: 'pages', label: t('page.wizard'), hint: t('nav.change'), link: { to: '/change' } },
        ...names.services.map(
          ({ namespace, name }): JumpEntry => ({
            id: `change ${namespace}/${name}`,
            group: 'actions',
            label: t('jump.change', { name }),
            hint: namespace,
            link: { to: '/change', search: { service: `${namespace}/${name}` } } as LinkProps,
          }),
        ),
      ]
    : [];

const neighbourhoods: Provider = ({ drawn, t }) =>
  drawn.map(({ id, namespace, name }) => ({
    id: `topology ${id}`,
    group: 'actions',
    label: t('jump.around', { name }),
    ...(namespace ? { hint: namespace } : {}),
    link: { to: '/topology', search: { sel: id, around: id } } as LinkProps,
  }));

/** Who knows of something to jump to. A page that shows single things adds them here. */
const providers: readonly Provider[] = [
  pages,
  history,
  settingsPages,
  services,
  workloads,
  objects,
  proxies,
  deeds,
  wizard,
  neighbourhoods,
];

export const jumpEntries = (known: Known): JumpEntry[] => providers.flatMap((provider) => provider(known));

/** So many of a group are shown: who types on finds the others. */
const most = { begun: 4, typed: 12 };

/** What is found of a group, and how many more there are. */
export interface JumpGroup {
  readonly group: JumpEntry['group'];
  readonly entries: readonly JumpEntry[];
  readonly more: number;
}

const groups = ['pages', 'services', 'workloads', 'objects', 'proxies', 'actions'] as const;

/**
 * The entries that have all the words, by group; those whose name begins with the first word
 * come first. Without words a few of each group, and all pages.
 */
export function jumpGroups(entries: readonly JumpEntry[], typed: string): JumpGroup[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const [first = ''] = words;
  const begins = (entry: JumpEntry) => (entry.label.toLowerCase().startsWith(first) ? 0 : 1);
  return groups.flatMap((group) => {
    const found = entries
      .filter((entry) => entry.group === group)
      .filter((entry) => words.every((word) => `${entry.label} ${entry.hint ?? ''}`.toLowerCase().includes(word)));
    const limit = words.length > 0 ? most.typed : group === 'pages' ? found.length : most.begun;
    const shown = [...found].sort((a, b) => begins(a) - begins(b)).slice(0, limit);
    return found.length > 0 ? [{ group, entries: shown, more: found.length - shown.length }] : [];
  });
}
