import {
  FormGroup,
  FormHelperText,
  FormSelect,
  FormSelectOption,
  HelperText,
  HelperTextItem,
  TextInput,
} from '@patternfly/react-core';
import { useId } from 'react';
import type { Mistake } from './model/form';
import { useChangeTexts } from './texts';

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** What is wrong with it; said below the field. */
  mistake?: Mistake | undefined;
  hint?: string;
  placeholder?: string;
  /** A choice instead of a text: value and name. */
  options?: readonly (readonly [string, string])[];
  mono?: boolean;
}

/** One question of a form, with its mistake at the field. */
export function Field({ label, value, onChange, mistake, hint, placeholder, options, mono = false }: FieldProps) {
  const t = useChangeTexts();
  const id = useId();
  const said = mistake ? t(`mistake.${mistake}`) : hint;
  const common = {
    id,
    value,
    validated: mistake ? ('error' as const) : ('default' as const),
    'aria-invalid': mistake !== undefined,
    ...(said ? { 'aria-describedby': `${id}-said` } : {}),
  };
  return (
    <FormGroup label={label} fieldId={id}>
      {options ? (
        <FormSelect {...common} onChange={(_, v) => onChange(v)}>
          {options.map(([v, name]) => (
            <FormSelectOption key={v} value={v} label={name} />
          ))}
        </FormSelect>
      ) : (
        <TextInput
          {...common}
          className={mono ? 'mono' : ''}
          placeholder={placeholder}
          onChange={(_, v) => onChange(v.trim() === '' ? '' : v)}
          autoComplete="off"
          spellCheck={false}
        />
      )}
      {said && (
        <FormHelperText>
          <HelperText id={`${id}-said`}>
            {/* The field is marked as invalid already; PatternFly would say it again, in English. */}
            <HelperTextItem variant={mistake ? 'error' : 'default'} screenReaderText="">
              {said}
            </HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}
