import { Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useMayWrite } from '../../api/rights';
import { KindGlyph } from './kind-glyph';
import { templateKinds } from './templates';
import { useRulesTexts } from './texts';

/** Begins a new object from a template, of the kinds that the person may write. */
export function NewMenu() {
  const t = useRulesTexts();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const mayWrite = useMayWrite();
  const kinds = templateKinds.filter((of) => mayWrite([of]));
  if (kinds.length === 0) {
    return null;
  }
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      onSelect={(_, kind) => {
        setOpen(false);
        void navigate({ to: '/rules/new', search: (old: object) => ({ ...old, of: String(kind) }) });
      }}
      popperProps={{ position: 'end' }}
      toggle={(ref) => (
        <MenuToggle ref={ref} isExpanded={open} onClick={() => setOpen(!open)}>
          {t('new')}
        </MenuToggle>
      )}
    >
      <DropdownList aria-label={t('new.menu')}>
        {kinds.map(({ kind }) => (
          <DropdownItem key={kind} value={kind} icon={<KindGlyph kind={kind} />}>
            {kind}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
