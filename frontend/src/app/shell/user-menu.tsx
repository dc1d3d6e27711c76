import { Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import { CircleUser } from 'lucide-react';
import { useState } from 'react';
import { signOut } from '../../api/session';
import { useSession } from '../../api/session-store';
import { usePreferences } from '../preferences';
import { useAppTexts } from '../texts';

export function UserMenu() {
  const t = useAppTexts();
  const session = useSession();
  const { theme, setTheme } = usePreferences();
  const [open, setOpen] = useState(false);
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      onSelect={() => setOpen(false)}
      popperProps={{ position: 'end' }}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          variant="plainText"
          className="mh-ctx user"
          icon={<CircleUser size={16} strokeWidth={1.6} aria-hidden />}
          isExpanded={open}
          onClick={() => setOpen(!open)}
          aria-label={`${t('user')}: ${session?.user.name}`}
        >
          {session?.user.name}
        </MenuToggle>
      )}
    >
      <DropdownList>
        <DropdownItem isDisabled description={t('user.role', { role: session?.user.role ?? '' })}>
          {session?.user.name}
        </DropdownItem>
        {theme !== 'system' && <DropdownItem onClick={() => setTheme('system')}>{t('theme.system')}</DropdownItem>}
        <DropdownItem onClick={() => void signOut()}>{t('signOut')}</DropdownItem>
      </DropdownList>
    </Dropdown>
  );
}
