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

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly help?: string | undefined;
  readonly wrong?: boolean;
  readonly type?: 'text' | 'password';
  readonly autoComplete?: string;
}

/** A line of a form. */
export function Field({
  label,
  value,
  onChange,
  help,
  wrong = false,
  type = 'text',
  autoComplete = 'off',
}: FieldProps) {
  const id = useId();
  return (
    <FormGroup label={label} fieldId={id}>
      <TextInput
        id={id}
        type={type}
        value={value}
        onChange={(_, text) => onChange(text)}
        autoComplete={autoComplete}
        validated={wrong ? 'error' : 'default'}
        aria-describedby={help ? `${id}-help` : undefined}
      />
      {help && (
        <FormHelperText>
          <HelperText>
            {/* The field is marked as invalid already; PatternFly would say it again, in English. */}
            <HelperTextItem id={`${id}-help`} variant={wrong ? 'error' : 'default'} screenReaderText="">
              {help}
            </HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}

interface ChoiceProps<V extends string> {
  readonly label: string;
  readonly value: V;
  readonly options: readonly { readonly value: V; readonly text: string }[];
  readonly onChange: (value: V) => void;
}

/** A choice among few in a form. */
export function Choice<V extends string>({ label, value, options, onChange }: ChoiceProps<V>) {
  const id = useId();
  return (
    <FormGroup label={label} fieldId={id}>
      <FormSelect id={id} value={value} onChange={(_, picked) => onChange(picked as V)}>
        {options.map((o) => (
          <FormSelectOption key={o.value} value={o.value} label={o.text} />
        ))}
      </FormSelect>
    </FormGroup>
  );
}
