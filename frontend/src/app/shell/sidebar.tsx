import { Nav, NavGroup, NavItem, PageSidebar, PageSidebarBody } from '@patternfly/react-core';
import { Link, useMatchRoute } from '@tanstack/react-router';
import { HealthGlyph } from '../../ui/glyph';
import { useAppTexts } from '../texts';
import { useFindingCount } from './bell';
import { type NavEntry, navGroups } from './nav-items';
import { useProxyCounts } from './use-proxy-counts';

/** The nav: one thread down the left edge, and the eye of a heddle where one is. */
export function Sidebar() {
  const t = useAppTexts();
  const proxies = useProxyCounts();
  return (
    <PageSidebar isSidebarOpen>
      <PageSidebarBody isFilled>
        <Nav aria-label={t('sections')}>
          <span className="hd-nav-thread" aria-hidden="true" />
          {navGroups.map((group) => (
            <NavGroup key={group.title} title={t(`nav.${group.title}`)}>
              {group.entries.map((entry) => (
                <Entry key={entry.to} entry={entry} />
              ))}
            </NavGroup>
          ))}
        </Nav>
      </PageSidebarBody>
      <section className="nav-foot" aria-label={t('controlPlane')}>
        <div className="num">{proxies.all > 0 && t('proxies.sync', { ok: proxies.synced, all: proxies.all })}</div>
        {proxies.revision && (
          <div className="nav-foot-2">
            {t.rich('revision', { revision: <span className="mono">{proxies.revision}</span> })}
          </div>
        )}
      </section>
    </PageSidebar>
  );
}

function Entry({ entry }: { entry: NavEntry }) {
  const t = useAppTexts();
  const matches = useMatchRoute();
  const current = [entry.to, ...(entry.also ?? [])].some((to) => matches({ to, fuzzy: to !== '/' }));
  const Icon = entry.icon;
  return (
    <NavItem isActive={current}>
      <Link to={entry.to} title={t(`page.${entry.page}`)}>
        <Icon size={15} strokeWidth={1.7} aria-hidden />
        <span className="nav-t">{t(`page.${entry.page}`)}</span>
        {entry.page === 'proxies' && <ProxyCount />}
        {entry.page === 'findings' && <FindingCount />}
      </Link>
    </NavItem>
  );
}

function ProxyCount() {
  const t = useAppTexts();
  const { rejected } = useProxyCounts();
  return rejected > 0 ? (
    <span className="hd-nav-count">
      <HealthGlyph health="failing" size={11} label={t('proxies.rejected', { count: rejected })} />
      <span aria-hidden>{rejected}</span>
    </span>
  ) : null;
}

function FindingCount() {
  const count = useFindingCount();
  return count > 0 ? <span className="hd-nav-count">{count}</span> : null;
}
