import { SearchInput } from '@patternfly/react-core';
import { useEffect, useState } from 'react';
import { useUiTexts } from './texts';

interface FilterFieldProps {
  label: string;
  placeholder?: string;
  /** What the address says. */
  value: string;
  /** Called when the person pauses, or clears: put it into the address. */
  onChange: (value: string) => void;
}

/** A filter that stands in the address, written there when typing pauses. */
export function FilterField({ label, placeholder, value, onChange }: FilterFieldProps) {
  const t = useUiTexts();
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  if (value !== told) {
    // The address changed by something else: a link, or the way back.
    setTold(value);
    setText(value);
  }
  useEffect(() => {
    if (text !== told) {
      const timer = setTimeout(() => {
        setTold(text);
        onChange(text);
      }, 200);
      return () => clearTimeout(timer);
    }
  }, [text, told, onChange]);
  const clear = () => {
    setText('');
    setTold('');
    onChange('');
  };
  return (
    <SearchInput
      aria-label={label}
      placeholder={placeholder ?? label}
      value={text}
      onChange={(_, v) => setText(v)}
      onClear={clear}
      resetButtonLabel={t('filter.clear')}
    />
  );
}
