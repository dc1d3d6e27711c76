import type { Form, Intent } from './model/form';
import { type ChangeTexts, useChangeTexts } from './texts';

/** The change in sentences: which requests, and what happens to them. */
export function Words({ intent, form, service }: { intent: Intent; form: Form; service: string }) {
  const t = useChangeTexts();
  return (
    <section>
      <h2>{t('words')}</h2>
      <p className="cw-say">
        {[which(form, service, t), ...said[intent](form, t)].map((sentence) => (
          <span key={sentence}>{sentence} </span>
        ))}
      </p>
    </section>
  );
}

const which = (form: Form, service: string, t: ChangeTexts): string =>
  t(`words.${form.by}`, { service, name: form.matchName, value: form.matchValue });

const said: Record<Intent, (form: Form, t: ChangeTexts) => string[]> = {
  split: (form, t) =>
    Object.entries(form.shares).map(([version, percent]) =>
      Number(percent) > 0 ? t('words.share', { version, percent }) : t('words.none', { version }),
    ),
  route: (form, t) => [t('words.to', { version: form.to })],
  fault: (form, t) => [
    ...(form.delay ? [t('words.delay', { time: form.delay, percent: form.delayPercent })] : []),
    ...(form.abort ? [t('words.abort', { status: form.abort, percent: form.abortPercent })] : []),
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
