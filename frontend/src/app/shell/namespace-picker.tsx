import { SelectList, SelectOption } from '@patternfly/react-core';
import { useNavigate } from '@tanstack/react-router';
import { useScope } from '../../ui/use-scope';
import { useAppTexts } from '../texts';
import { useNames } from '../use-names';
import { Picker } from './picker';

export function NamespacePicker() {
  const t = useAppTexts();
  const { namespaces } = useScope();
  const known = useNames().namespaces;
  const navigate = useNavigate();
  const value =
    namespaces.length === 0
      ? t('namespaces.all')
      : namespaces.length <= 2
        ? namespaces.join(', ')
        : t('namespaces.some', { count: namespaces.length });
  const pick = (picked: unknown) => {
    const name = String(picked);
    const next =
      name === ''
        ? []
        : namespaces.includes(name)
          ? namespaces.filter((n) => n !== name)
          : [...namespaces, name].sort();
    void navigate({ to: '.', search: (old) => ({ ...old, ns: next.join(',') || undefined }) });
  };
  return (
    <Picker label={`${t('namespaces')}: ${value}`} value={value} many onPick={(_, picked) => pick(picked)}>
      <SelectList>
        <SelectOption value="" isSelected={namespaces.length === 0}>
          {t('namespaces.all')}
        </SelectOption>
        {known.map((name) => (
          <SelectOption key={name} value={name} hasCheckbox isSelected={namespaces.includes(name)}>
            {name}
          </SelectOption>
        ))}
        {known.length === 0 && <SelectOption isDisabled>{t('namespaces.none')}</SelectOption>}
      </SelectList>
    </Picker>
  );
}
