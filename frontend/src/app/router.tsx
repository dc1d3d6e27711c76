import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
} from '@tanstack/react-router';
import type { ScopeSearch } from '../lib/scope';
import { parseSearch, type Search, stringifySearch } from '../lib/search';
import { Broken } from './broken';
import { NotFound } from './not-found';
import { Shell } from './shell/shell';

const rootRoute = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: Broken,
  // Namespaces and time window go along from page to page.
  search: { middlewares: [retainSearchParams<ScopeSearch>(['ns', 'window'])] },
  validateSearch: (search: Record<string, unknown>): ScopeSearch => ({
    ...(typeof search.ns === 'string' ? { ns: search.ns } : {}),
    ...(typeof search.window === 'string' ? { window: search.window } : {}),
  }),
});

/** Reads the search parameters that a page names; everything is text, and optional. */
const reads =
  <const K extends string>(...keys: K[]) =>
  (search: Record<string, unknown>): { [P in K]?: string } => {
    const found: Search = {};
    for (const key of keys) {
      if (typeof search[key] === 'string') {
        found[key] = search[key] as string;
      }
    }
    return found as { [P in K]?: string };
  };

// Each page is a line here, with the search parameters that restore it, and is loaded when it
// is first opened. The nav (shell/nav-items.ts) and the palette (shell/jump-entries.ts) list
// the pages that a person can reach.
const overview = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  component: lazyRouteComponent(() => import('../features/overview/overview-page'), 'OverviewPage'),
});
const serviceList = reads('q', 'sort', 'state');
const part = ['tab', 'range', 'compare', 'direction', 'pod', 'container', 'log', 'errors', 'slow'] as const;
const services = createRoute({
  getParentRoute: () => rootRoute,
  path: '/services',
  validateSearch: serviceList,
  component: lazyRouteComponent(() => import('../features/services/services-page'), 'ServicesPage'),
});
const service = createRoute({
  getParentRoute: () => rootRoute,
  path: '/services/$namespace/$name',
  validateSearch: reads(...part, 'rule', 'stable'),
  component: lazyRouteComponent(() => import('./service-route'), 'ServiceRoute'),
});
const workloads = createRoute({
  getParentRoute: () => rootRoute,
  path: '/workloads',
  validateSearch: serviceList,
  component: lazyRouteComponent(() => import('../features/services/workloads-page'), 'WorkloadsPage'),
});
const workload = createRoute({
  getParentRoute: () => rootRoute,
  path: '/workloads/$namespace/$name',
  validateSearch: reads(...part),
  component: lazyRouteComponent(() => import('../features/services/workload-page'), 'WorkloadPage'),
});
const traces = createRoute({
  getParentRoute: () => rootRoute,
  path: '/traces',
  validateSearch: reads('service', 'min', 'errors', 'sort'),
  component: lazyRouteComponent(() => import('../features/traces/traces-page'), 'TracesPage'),
});
const trace = createRoute({
  getParentRoute: () => rootRoute,
  path: '/traces/$id',
  validateSearch: reads('span'),
  component: lazyRouteComponent(() => import('../features/traces/trace-page'), 'TracePage'),
});
const proxies = createRoute({
  getParentRoute: () => rootRoute,
  path: '/proxies',
  validateSearch: reads('q', 'state', 'envoy', 'sort'),
  component: lazyRouteComponent(() => import('../features/proxies/proxies-page'), 'ProxiesPage'),
});
const proxy = createRoute({
  getParentRoute: () => rootRoute,
  path: '/proxies/$proxy',
  validateSearch: reads('tab', 'q', 'sort', 'view'),
  component: lazyRouteComponent(() => import('../features/proxies/proxy-page'), 'ProxyPage'),
});
const findings = createRoute({
  getParentRoute: () => rootRoute,
  path: '/findings',
  validateSearch: reads('q', 'severity', 'sort', 'open'),
  component: lazyRouteComponent(() => import('../features/findings/findings-page'), 'FindingsPage'),
});
const rules = createRoute({
  getParentRoute: () => rootRoute,
  path: '/rules',
  validateSearch: reads('q', 'kind', 'state', 'sort'),
  component: lazyRouteComponent(() => import('../features/rules/rules-page'), 'RulesPage'),
});
const newRule = createRoute({
  getParentRoute: () => rootRoute,
  path: '/rules/new',
  validateSearch: reads('q', 'kind', 'state', 'sort', 'of'),
  component: lazyRouteComponent(() => import('../features/rules/new-rule-page'), 'NewRulePage'),
});
const rule = createRoute({
  getParentRoute: () => rootRoute,
  path: '/rules/$kind/$namespace/$name',
  validateSearch: reads('q', 'kind', 'state', 'sort', 'view', 'at'),
  component: lazyRouteComponent(() => import('../features/rules/rule-page'), 'RulePage'),
});
const changes = createRoute({
  getParentRoute: () => rootRoute,
  path: '/changes',
  validateSearch: reads('q', 'via', 'sort'),
  component: lazyRouteComponent(() => import('../features/changes/changes-page'), 'ChangesPage'),
});
const changeSet = createRoute({
  getParentRoute: () => rootRoute,
  path: '/changes/$id',
  component: lazyRouteComponent(() => import('../features/changes/change-set-page'), 'ChangeSetPage'),
});
const check = createRoute({
  getParentRoute: () => rootRoute,
  path: '/check',
  validateSearch: reads('step', 'finding'),
  component: lazyRouteComponent(() => import('../features/check/check-page'), 'CheckPage'),
});
const change = createRoute({
  getParentRoute: () => rootRoute,
  path: '/change',
  validateSearch: reads('service', 'intent', 'object', 'step'),
  component: lazyRouteComponent(() => import('../features/change/change-page'), 'ChangePage'),
});
const settings = createRoute({
  getParentRoute: () => rootRoute,
  path: '/settings',
  validateSearch: reads('tab', 'user'),
  component: lazyRouteComponent(() => import('../features/settings/settings-page'), 'SettingsPage'),
});

const topology = createRoute({
  getParentRoute: () => rootRoute,
  path: '/topology',
  validateSearch: reads(
    'mode',
    'labels',
    'find',
    'hide',
    'closed',
    'sel',
    'around',
    'view',
    'rows',
    'sort',
    'tab',
    'shift',
  ),
  component: lazyRouteComponent(() => import('./topology-route'), 'TopologyRoute'),
});

const routeTree = rootRoute.addChildren([
  overview,
  services,
  service,
  workloads,
  workload,
  topology,
  findings,
  rules,
  newRule,
  rule,
  check,
  proxies,
  proxy,
  changes,
  changeSet,
  change,
  traces,
  trace,
  settings,
]);

export const newRouter = () =>
  createRouter({
    routeTree,
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultPendingMs: 300,
    scrollRestoration: true,
  });

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
