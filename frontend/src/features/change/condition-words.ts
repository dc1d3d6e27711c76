import type { Condition } from './model/match';
import type { ChangeTexts } from './texts';

/** A condition in words: "header x-team is blue". */
function one({ field, name, how, value }: Condition, t: ChangeTexts): string {
  if (field === 'unknown') {
    return t('cond.unknown', { name });
  }
  const subject = t(`cond.subject.${field}`, { name });
  return field === 'without' ? t(`cond.not.${how}`, { subject, value }) : t(`cond.${how}`, { subject, value });
}

/** Conditions as they were written: all of one list, or of another one. */
export const conditionWords = (conditions: readonly (readonly Condition[])[], t: ChangeTexts): string =>
  conditions.map((all) => all.map((c) => one(c, t)).join(t('cond.and'))).join(t('cond.or'));
