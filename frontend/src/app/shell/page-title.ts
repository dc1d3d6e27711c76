import { useMatches } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useAppTexts } from '../texts';

/** Which page a route is, and what of it is looked at. */
const pages = {
  '/': { page: 'overview' },
  '/topology': { page: 'topology' },
  '/services': { page: 'services' },
  '/services/$namespace/$name': { page: 'service', of: 'name' },
  '/workloads': { page: 'workloads' },
  '/workloads/$namespace/$name': { page: 'workload', of: 'name' },
  '/traces': { page: 'traces' },
  '/traces/$id': { page: 'trace', of: 'id' },
  '/rules': { page: 'rules' },
  '/rules/new': { page: 'newRule' },
  '/rules/$kind/$namespace/$name': { page: 'rule', of: 'name' },
  '/changes': { page: 'changes' },
  '/changes/$id': { page: 'change', of: 'id' },
  '/change': { page: 'wizard' },
  '/check': { page: 'check' },
  '/proxies': { page: 'proxies' },
  '/proxies/$proxy': { page: 'proxy', of: 'proxy' },
  '/findings': { page: 'findings' },
  '/settings': { page: 'settings' },
} as const;

type Known = (typeof pages)[keyof typeof pages];

/** Names the page in the browser's tab and history, and to who hears it: "reviews · Service · Heddle". */
export function usePageTitle(): void {
  const t = useAppTexts();
  const title = useMatches({
    select: (matches) => {
      const last = matches.at(-1);
      const known: Known | undefined = pages[last?.fullPath as keyof typeof pages];
      const params: Readonly<Record<string, string>> = last?.params ?? {};
      const name = known && 'of' in known ? params[known.of] : undefined;
      return [name, known && t(`page.${known.page}`), 'Heddle'].filter(Boolean).join(' · ');
    },
  });
  useEffect(() => {
    document.title = title;
  }, [title]);
}
