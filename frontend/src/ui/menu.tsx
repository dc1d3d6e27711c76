import { MenuToggle, Select, SelectList, SelectOption } from '@patternfly/react-core';
import { useState } from 'react';

interface MenuProps {
  /** What is chosen, for screen readers. */
  label: string;
  value: string;
  options: readonly { readonly value: string; readonly text: string }[];
  onPick: (value: string) => void;
}

/** A filter with few values; the first one is "any". */
export function Menu({ label, value, options, onPick }: MenuProps) {
  const [open, setOpen] = useState(false);
  const shown = options.find((o) => o.value === value)?.text ?? value;
  return (
    <Select
      isOpen={open}
      onOpenChange={setOpen}
      selected={value}
      onSelect={(_, picked) => {
        setOpen(false);
        onPick(String(picked ?? ''));
      }}
      toggle={(ref) => (
        <MenuToggle ref={ref} isExpanded={open} onClick={() => setOpen(!open)} aria-label={`${label}: ${shown}`}>
          {shown}
        </MenuToggle>
      )}
    >
      <SelectList aria-label={label}>
        {options.map((o) => (
          <SelectOption key={o.value} value={o.value} isSelected={o.value === value}>
            {o.text}
          </SelectOption>
        ))}
      </SelectList>
    </Select>
  );
}
