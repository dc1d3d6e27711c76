import { MenuToggle, Select, SelectList, SelectOption } from '@patternfly/react-core';
import { type MouseEvent, useState } from 'react';

export interface MenuProps {
  /** What is chosen, for screen readers. */
  label: string;
  value: string;
  options: readonly { readonly value: string; readonly text: string }[];
  onPick: (value: string) => void;
  /** What stands on the button, where that is more than the chosen option. */
  shown?: string;
}

/** A filter with few values; the first one is "any". */
export function Menu({ label, value, options, onPick, shown }: MenuProps) {
  const [open, setOpen] = useState(false);
  const text = shown ?? options.find((o) => o.value === value)?.text ?? value;
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
        <MenuToggle
          ref={ref}
          isExpanded={open}
          onClick={() => setOpen(!open)}
          aria-label={shown ?? `${label}: ${text}`}
        >
          {text}
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

interface ManyMenuProps extends Omit<MenuProps, 'value' | 'onPick'> {
  values: readonly string[];
  /** What stands on the button while nothing is chosen. */
  any: string;
  onPick: (values: readonly string[]) => void;
}

/**
 * A click on an item itself is one on its checkbox: assistive technology clicks what has the role of
 * the item, and that is around the label.
 */
function onItself({ target }: MouseEvent) {
  if (target instanceof HTMLLIElement) {
    target.querySelector('input')?.click();
  }
}

/** A filter of which several values may be chosen; none is any. */
export function ManyMenu({ label, values, options, any, onPick }: ManyMenuProps) {
  const [open, setOpen] = useState(false);
  const text = values.map((value) => options.find((o) => o.value === value)?.text ?? value).join(', ') || any;
  const toggle = (value: string) =>
    onPick(value === '' ? [] : values.includes(value) ? values.filter((v) => v !== value) : [...values, value].sort());
  return (
    <Select
      isOpen={open}
      onOpenChange={setOpen}
      // What has a checkbox is no option of a listbox.
      role="menu"
      onSelect={(_, picked) => toggle(String(picked ?? ''))}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          isExpanded={open}
          onClick={() => setOpen(!open)}
          aria-label={`${label}: ${text}`}
          className="menu-many"
        >
          {text}
        </MenuToggle>
      )}
    >
      <SelectList aria-label={label} onClick={onItself}>
        <SelectOption value="" isSelected={values.length === 0}>
          {any}
        </SelectOption>
        {options.map((o) => (
          <SelectOption key={o.value} value={o.value} hasCheckbox isSelected={values.includes(o.value)}>
            {o.text}
          </SelectOption>
        ))}
      </SelectList>
    </Select>
  );
}
