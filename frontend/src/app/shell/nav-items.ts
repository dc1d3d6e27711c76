import type { LinkProps } from '@tanstack/react-router';
import {
  Box,
  Boxes,
  LayoutDashboard,
  ListTree,
  type LucideIcon,
  Radio,
  Settings,
  ShieldCheck,
  Split,
  TriangleAlert,
  Waypoints,
} from 'lucide-react';

export interface NavEntry {
  readonly to: NonNullable<LinkProps['to']>;
  readonly page:
    | 'overview'
    | 'topology'
    | 'services'
    | 'workloads'
    | 'traces'
    | 'rules'
    | 'check'
    | 'proxies'
    | 'findings'
    | 'settings';
  readonly icon: LucideIcon;
  /** Other pages that belong to it. */
  readonly also?: readonly NonNullable<LinkProps['to']>[];
}

/** What the nav shows, in order. A page stands here from the commit on that makes it work. */
export const navGroups: readonly {
  readonly title: 'observe' | 'change' | 'mesh';
  readonly entries: readonly NavEntry[];
}[] = [
  {
    title: 'observe',
    entries: [
      { to: '/', page: 'overview', icon: LayoutDashboard },
      { to: '/topology', page: 'topology', icon: Waypoints },
      { to: '/services', page: 'services', icon: Boxes },
      { to: '/workloads', page: 'workloads', icon: Box },
      { to: '/traces', page: 'traces', icon: ListTree },
    ],
  },
  {
    title: 'change',
    entries: [
      { to: '/rules', page: 'rules', icon: Split, also: ['/changes', '/change'] },
      { to: '/check', page: 'check', icon: ShieldCheck },
    ],
  },
  {
    title: 'mesh',
    entries: [
      { to: '/proxies', page: 'proxies', icon: Radio },
      { to: '/findings', page: 'findings', icon: TriangleAlert },
      { to: '/settings', page: 'settings', icon: Settings },
    ],
  },
];
