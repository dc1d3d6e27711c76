import { Field } from './field';
import { shortest } from './roles';
import { useSettingsTexts } from './texts';

interface NewPasswordProps {
  /** What it is called; "New password" where nothing else is said. */
  readonly label?: string;
  readonly value: string;
  readonly onChange: (password: string) => void;
}

/** A password that somebody makes up, with the rule for it. */
export function NewPassword({ label, value, onChange }: NewPasswordProps) {
  const t = useSettingsTexts();
  return (
    <Field
      label={label ?? t('password.new')}
      type="password"
      autoComplete="new-password"
      value={value}
      onChange={onChange}
      help={t('password.rule', { count: shortest })}
    />
  );
}
