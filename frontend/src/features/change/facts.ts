import type { Previewed } from '../../api/generated/types.gen';
import type { Form, Intent } from './model/form';
import type { ChangeTexts } from './texts';

/** What a form says, in the few words that stand below its step; '' while it says nothing. */
export function formFacts(intent: Intent, form: Form, t: ChangeTexts): string {
  const said = facts[intent](form, t);
  return said.filter((fact) => fact !== '').join(t('fact.and'));
}

const facts: Record<Intent, (form: Form, t: ChangeTexts) => string[]> = {
  split: ({ shares }) => [
    Object.entries(shares)
      .map(([version, share]) => `${version} ${share || 0}`)
      .join(', '),
  ],
  route: ({ to }, t) => [to && t('fact.route', { version: to })],
  fault: (form, t) => [
    form.delay && t('fact.delay', { time: form.delay, percent: form.delayPercent }),
    form.abort && t('fact.abort', { status: form.abort, percent: form.abortPercent }),
  ],
  mirror: ({ mirrorTo, mirrorPercent }, t) => [
    mirrorTo && t('fact.mirror', { version: mirrorTo, percent: mirrorPercent }),
  ],
  resilience: ({ timeout, attempts }, t) => [timeout, attempts && t('fact.retries', { count: Number(attempts) })],
  redirect: ({ authority, uri }) => [`${authority}${uri}`],
  headers: ({ headers }, t) => [headers.length > 0 ? t('fact.headers', { count: headers.length }) : ''],
};

/** What a preview found, and whom the change would be told. */
export function previewFacts({ findings, groups }: Pick<Previewed, 'findings' | 'groups'>, t: ChangeTexts): string {
  const found = (findings.added ?? []).length + (findings.gone ?? []).length;
  const proxies = (groups ?? []).reduce((n, g) => n + (g.proxies ?? []).length, 0);
  return [t('fact.findings', { count: found }), t('fact.proxies', { count: proxies })].join(t('fact.list'));
}
