import { Tab, Tabs, TabTitleText } from '@patternfly/react-core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCan } from '../../api/session-store';
import { PageHead, Sheet } from '../../ui/page';
import { NoRights } from '../../ui/states';
import { About } from './about';
import { Account } from './account';
import { Audit } from './audit';
import './settings.css';
import { settingsTabs } from './tabs';
import { useSettingsTexts } from './texts';
import { Tokens } from './tokens';
import { Users } from './users';

const administrator = { role: 'admin' } as const;
const all = settingsTabs.map(({ tab }) => tab);

/** The own account for everybody; users and the audit log for administrators. */
export function SettingsPage() {
  const t = useSettingsTexts();
  const admin = useCan('admin');
  const tabs = settingsTabs.filter((one) => admin || !one.admin).map(({ tab }) => tab);
  const search = useSearch({ strict: false }) as { tab?: string };
  const navigate = useNavigate();
  const asked = all.find((one) => one === search.tab) ?? 'account';
  const tab = tabs.includes(asked) ? asked : 'account';
  return (
    <div className="page">
      <PageHead title={t('title')}>
        <Tabs
          activeKey={tab}
          aria-label={t('title')}
          onSelect={(_, to) =>
            void navigate({
              to: '.',
              search: (old: object) => ({ ...old, tab: String(to), user: undefined }),
              replace: true,
            })
          }
        >
          {tabs.map((one) => (
            <Tab
              key={one}
              eventKey={one}
              tabContentId="se-body"
              title={<TabTitleText>{t(`tab.${one}`)}</TabTitleText>}
            />
          ))}
        </Tabs>
      </PageHead>
      <div className="body se-body" id="se-body">
        {asked !== tab && <NoRights {...administrator} />}
        {tab === 'account' && <Account />}
        {tab === 'tokens' && <Tokens />}
        {tab === 'users' && <Users />}
        {tab === 'audit' && <Audit />}
        {tab === 'about' && (
          <Sheet title={t('about')}>
            <About />
          </Sheet>
        )}
      </div>
    </div>
  );
}
