import { SelectList, SelectOption } from '@patternfly/react-core';
import { useNavigate } from '@tanstack/react-router';
import { Clock } from 'lucide-react';
import { windows } from '../../lib/scope';
import { oneOf } from '../../lib/search';
import { useScope } from '../../ui/use-scope';
import { useAppTexts } from '../texts';
import { Picker } from './picker';

const order = ['live', '1m', '5m', '15m', '1h'] as const;

export function WindowPicker() {
  const t = useAppTexts();
  const { window } = useScope();
  const navigate = useNavigate();
  return (
    <Picker
      label={`${t('window')}: ${t(`window.${window}`)}`}
      value={t(`window.${window}`)}
      icon={<Clock size={13} strokeWidth={1.7} aria-hidden />}
      selected={window}
      onPick={(_, picked) => void navigate({ to: '.', search: (old) => ({ ...old, window: oneOf(windows, picked) }) })}
    >
      <SelectList>
        {order.map((w) => (
          <SelectOption key={w} value={w}>
            {t(`window.${w}`)}
          </SelectOption>
        ))}
      </SelectList>
    </Picker>
  );
}
