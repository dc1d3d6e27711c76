import { Masthead, MastheadBrand, MastheadContent, MastheadMain, Page, SkipToContent } from '@patternfly/react-core';
import { Link, Outlet } from '@tanstack/react-router';
import { Suspense } from 'react';
import { useSession } from '../../api/session-store';
import { SessionEnded } from '../../features/auth/session-ended';
import { Logo } from '../../ui/logo';
import { Loading } from '../../ui/states';
import { useAppTexts } from '../texts';
import { Bell } from './bell';
import { LanguageSwitch, ThemeSwitch } from './choices';
import { ConnectionState } from './connection-state';
import { Jump } from './jump';
import { MeshBanner } from './mesh-banner';
import { NamespacePicker } from './namespace-picker';
import { usePageTitle } from './page-title';
import { Sidebar } from './sidebar';
import { UserMenu } from './user-menu';
import { WindowPicker } from './window-picker';
import './shell.css';

/** Which mesh this is: tabs of two look alike otherwise. */
function MeshName() {
  const mesh = useSession()?.mesh;
  return mesh ? (
    <span className="mh-mesh">
      {mesh}
      <span className="mh-sep" aria-hidden="true">
        /
      </span>
    </span>
  ) : null;
}

/** Masthead and nav around every page. */
export function Shell() {
  const t = useAppTexts();
  usePageTitle();
  const masthead = (
    <Masthead>
      <MastheadMain>
        <MastheadBrand>
          <Link to="/" className="brand" aria-label={t('home')}>
            <Logo size={24} />
            <span>Heddle</span>
          </Link>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <div className="mh">
          <MeshName />
          <NamespacePicker />
          <WindowPicker />
          <ConnectionState />
          <span className="fill" />
          <Jump />
          <Bell />
          <ThemeSwitch />
          <LanguageSwitch />
          <UserMenu />
        </div>
      </MastheadContent>
    </Masthead>
  );
  return (
    <Page
      masthead={masthead}
      sidebar={<Sidebar />}
      mainContainerId="main"
      skipToContent={<SkipToContent href="#main">{t('skip')}</SkipToContent>}
    >
      <MeshBanner />
      <Suspense fallback={<Loading lines={6} />}>
        <Outlet />
      </Suspense>
      <SessionEnded />
    </Page>
  );
}
