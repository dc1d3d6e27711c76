import { MenuToggle, Select, type SelectProps } from '@patternfly/react-core';
import { type ReactNode, useState } from 'react';

interface PickerProps {
  label: string;
  value: ReactNode;
  icon?: ReactNode;
  children: ReactNode;
  selected?: unknown;
  /** Stays open after a choice. */
  many?: boolean;
  onPick: NonNullable<SelectProps['onSelect']>;
}

/** A choice in the masthead: plain words with a caret, and a list below. */
export function Picker({ label, value, icon, children, selected, many = false, onPick }: PickerProps) {
  const [open, setOpen] = useState(false);
  return (
    <Select
      isOpen={open}
      onOpenChange={setOpen}
      selected={selected}
      role={many ? 'menu' : 'listbox'}
      onSelect={(event, picked) => {
        onPick(event, picked);
        if (!many) {
          setOpen(false);
        }
      }}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          variant="plainText"
          className="mh-ctx"
          icon={icon}
          isExpanded={open}
          onClick={() => setOpen(!open)}
          aria-label={label}
        >
          {value}
        </MenuToggle>
      )}
    >
      {children}
    </Select>
  );
}
