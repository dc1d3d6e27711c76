import { conditionWords } from './condition-words';
import type { Form, Intent } from './model/form';
import { type Condition, takesAll } from './model/match';
import { type ChangeTexts, useChangeTexts } from './texts';

interface WordsProps {
  intent: Intent;
  form: Form;
  /** Which requests the rule takes, as the text says it. */
  conditions: readonly (readonly Condition[])[];
  service: string;
}

/** The change in sentences: which requests, and what happens to them. */
export function Words({ intent, form, conditions, service }: WordsProps) {
  const t = useChangeTexts();
  return (
    <section>
      <h2>{t('words')}</h2>
      <p className="cw-say">
        {[which(conditions, service, t), ...said[intent](form, t)].map((sentence) => (
          <span key={sentence}>{sentence} </span>
        ))}
      </p>
    </section>
  );
}

const which = (conditions: WordsProps['conditions'], service: string, t: ChangeTexts): string =>
  takesAll(conditions)
    ? t('words.all', { service })
    : t('words.some', { service, conditions: conditionWords(conditions, t) });

const said: Record<Intent, (form: Form, t: ChangeTexts) => string[]> = {
  split: ({ shares, byHand }, t) => [
    ...Object.entries(shares).map(([version, percent]) =>
      Number(percent) > 0 ? t('words.share', { version, percent }) : t('words.none', { version }),
    ),
    ...(byHand.elsewhere
      ? [t('words.elsewhere', { percent: byHand.elsewhere, names: listed(byHand.destinations) })]
      : []),
  ],
  route: (form, t) => [t('words.to', { version: form.to })],
  fault: (form, t) => [
    ...(form.delay ? [t('words.delay', { time: form.delay, percent: form.delayPercent })] : []),
    ...(form.abort ? [t('words.abort', { status: form.abort, percent: form.abortPercent })] : []),
    ...(!form.abort && form.byHand.abort ? [t('words.abortKept', { what: form.byHand.abort })] : []),
  ],
  mirror: (form, t) => [t('words.mirror', { version: form.mirrorTo, percent: form.mirrorPercent })],
  resilience: (form, t) => [
    form.timeout ? t('words.timeout', { time: form.timeout }) : t('words.noTimeout'),
    ...(form.attempts ? [t('words.retries', { count: Number(form.attempts) })] : []),
    ...(form.perTry ? [t('words.perTry', { time: form.perTry })] : []),
  ],
  redirect: (form, t) => [
    form.action === 'redirect'
      ? t('words.redirect', { to: `${form.authority}${form.uri}`, code: form.code })
      : t('words.rewrite', { to: `${form.authority}${form.uri}` }),
  ],
  headers: (form, t) => form.headers.map((h) => t(`words.header.${h.on}.${h.op}`, { name: h.name, value: h.value })),
};

const listed = (names: readonly string[]): string => names.join(', ');

/** What the chosen rule does that this form has no field for, in sentences. */
export function keptWords(intent: Intent, { byHand }: Form, t: ChangeTexts): string[] {
  const { destinations, elsewhere, services, mirror, abort } = byHand;
  switch (intent) {
    case 'split':
      return destinations.length === 0
        ? []
        : elsewhere === undefined
          ? [t('kept.destinations', { names: listed(destinations) })]
          : [t('kept.elsewhere', { percent: elsewhere, names: listed(destinations) })];
    case 'route':
      return services.length === 0 ? [] : [t('kept.destinations', { names: listed(services) })];
    case 'mirror':
      return mirror === '' ? [] : [t('kept.mirror', { name: mirror })];
    case 'fault':
      return abort === '' ? [] : [t('kept.abort', { what: abort })];
    default:
      return [];
  }
}
