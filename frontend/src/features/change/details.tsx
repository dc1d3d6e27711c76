import { Button, Form as PfForm } from '@patternfly/react-core';
import { Plus, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { conditionWords } from './condition-words';
import { Field } from './field';
import type { Context, Form, HeaderEdit, Intent, MatchBy, MatchHow, Mistakes } from './model/form';
import { takesAll } from './model/match';
import type { RuleSummary } from './model/rule';
import { type ChangeTexts, useChangeTexts } from './texts';
import { keptWords } from './words';

interface DetailsProps {
  intent: Intent;
  form: Form;
  rules: readonly RuleSummary[];
  context: Context;
  wrong: Mistakes;
  onChange: (form: Form) => void;
  onWhere: (where: Form['where']) => void;
}

/** "Rule 1, jason-delay: the user is jason". */
export function ruleName(rule: RuleSummary, t: ChangeTexts): string {
  const { conditions } = rule;
  const match = takesAll(conditions)
    ? t('match.said.all')
    : conditions.length > 1 || conditions.flat().length > 2
      ? t('match.several')
      : conditionWords(conditions, t);
  const number = rule.index + 1;
  return rule.name ? t('rule.named', { number, name: rule.name, match }) : t('rule.number', { number, match });
}

/** The questions of one intention. */
export function Details({ intent, form, rules, context, wrong, onChange, onWhere }: DetailsProps) {
  const t = useChangeTexts();
  const set = (part: Partial<Form>) => onChange({ ...form, ...part });
  return (
    <PfForm className="cw-form" onSubmit={(e) => e.preventDefault()}>
      <p className="cw-lead">{t(`intent.${intent}.text`)}</p>
      <fieldset>
        <legend>{t('which')}</legend>
        <Field
          label={t('where')}
          value={String(form.where)}
          onChange={(v) => onWhere(v === 'new' ? 'new' : Number(v))}
          options={[['new', t('where.new')], ...rules.map((r) => [String(r.index), ruleName(r, t)] as const)]}
        />
        {form.where === 'new' && <Match intent={intent} form={form} wrong={wrong} set={set} />}
      </fieldset>
      <fieldset>
        <legend>{t('what')}</legend>
        {keptWords(intent, form, t).map((kept) => (
          <p key={kept} className="dim">
            {kept}
          </p>
        ))}
        {questions[intent]({ form, set, wrong, t, context })}
      </fieldset>
    </PfForm>
  );
}

const matchBys = ['all', 'user', 'header', 'cookie', 'path'] as const satisfies readonly MatchBy[];
const matchHows: readonly MatchHow[] = ['exact', 'prefix', 'regex'];

function Match({
  intent,
  form,
  wrong,
  set,
}: {
  intent: Intent;
  form: Form;
  wrong: Mistakes;
  set: (part: Partial<Form>) => void;
}) {
  const t = useChangeTexts();
  const bys = intent === 'route' ? matchBys.slice(1) : matchBys;
  return (
    <>
      <Field
        label={t('match.by')}
        value={form.by}
        onChange={(v) =>
          set({ by: v as MatchBy, matchName: '', matchValue: '', how: v === 'path' ? 'prefix' : 'exact' })
        }
        options={bys.map((by) => [by, t(`match.${by}`)] as const)}
        mistake={wrong.by}
      />
      {(form.by === 'header' || form.by === 'cookie') && (
        <Field
          label={t('match.name')}
          value={form.matchName}
          onChange={(matchName) => set({ matchName })}
          mistake={wrong.matchName}
          mono
        />
      )}
      {form.by !== 'all' && (
        <div className="cw-two">
          {form.by !== 'cookie' && (
            <Field
              label={t('match.how')}
              value={form.how}
              onChange={(v) => set({ how: v as MatchHow })}
              options={matchHows.map((how) => [how, t(`match.${how}`)] as const)}
            />
          )}
          <Field
            label={t('match.value')}
            value={form.matchValue}
            onChange={(matchValue) => set({ matchValue })}
            mistake={wrong.matchValue}
            mono
          />
        </div>
      )}
    </>
  );
}

interface Questions {
  form: Form;
  set: (part: Partial<Form>) => void;
  wrong: Mistakes;
  t: ChangeTexts;
  context: Context;
}

const versions = (context: Context, t: ChangeTexts): [string, string][] => [
  ['', t('choose')],
  ...context.versions.map((v): [string, string] => [v.version, v.version]),
];

const questions: Record<Intent, (q: Questions) => ReactNode> = {
  split: ({ form, set, wrong, t, context }) => (
    <>
      {context.versions.map(({ version }) => (
        <Field
          key={version}
          label={t('split.share', { version })}
          value={form.shares[version] ?? '0'}
          onChange={(v) => set({ shares: { ...form.shares, [version]: v } })}
          mistake={wrong[`shares.${version}`]}
        />
      ))}
      {wrong.shares && (
        <p className="k-failing" role="alert">
          {t(`mistake.${wrong.shares}`)}
        </p>
      )}
    </>
  ),
  route: ({ form, set, wrong, t, context }) => (
    <Field
      label={t('route.to')}
      value={form.to}
      onChange={(to) => set({ to })}
      options={versions(context, t)}
      mistake={wrong.to}
    />
  ),
  fault: ({ form, set, wrong, t }) => (
    <>
      <div className="cw-two">
        <Field
          label={t('fault.delay')}
          value={form.delay}
          onChange={(delay) => set({ delay })}
          mistake={wrong.delay}
          hint={t('hint.duration')}
        />
        <Field
          label={t('fault.share')}
          value={form.delayPercent}
          onChange={(delayPercent) => set({ delayPercent })}
          mistake={wrong.delayPercent}
        />
      </div>
      <div className="cw-two">
        <Field
          label={t('fault.abort')}
          value={form.abort}
          onChange={(abort) => set({ abort })}
          mistake={wrong.abort}
          hint={t('hint.status')}
        />
        <Field
          label={t('fault.share')}
          value={form.abortPercent}
          onChange={(abortPercent) => set({ abortPercent })}
          mistake={wrong.abortPercent}
        />
      </div>
    </>
  ),
  mirror: ({ form, set, wrong, t, context }) => (
    <div className="cw-two">
      <Field
        label={t('mirror.to')}
        value={form.mirrorTo}
        onChange={(mirrorTo) => set({ mirrorTo })}
        options={versions(context, t)}
        mistake={wrong.mirrorTo}
      />
      <Field
        label={t('mirror.share')}
        value={form.mirrorPercent}
        onChange={(mirrorPercent) => set({ mirrorPercent })}
        mistake={wrong.mirrorPercent}
      />
    </div>
  ),
  resilience: ({ form, set, wrong, t }) => (
    <>
      <Field
        label={t('resilience.timeout')}
        value={form.timeout}
        onChange={(timeout) => set({ timeout })}
        mistake={wrong.timeout}
        hint={t('hint.duration')}
      />
      <div className="cw-two">
        <Field
          label={t('resilience.attempts')}
          value={form.attempts}
          onChange={(attempts) => set({ attempts })}
          mistake={wrong.attempts}
        />
        <Field
          label={t('resilience.perTry')}
          value={form.perTry}
          onChange={(perTry) => set({ perTry })}
          mistake={wrong.perTry}
        />
      </div>
      <Field
        label={t('resilience.on')}
        value={form.retryOn}
        onChange={(retryOn) => set({ retryOn })}
        hint={t('hint.retryOn')}
        mono
      />
    </>
  ),
  redirect: ({ form, set, wrong, t }) => (
    <>
      <Field
        label={t('redirect.action')}
        value={form.action}
        onChange={(action) => set({ action: action as Form['action'] })}
        options={[
          ['rewrite', t('redirect.rewrite')],
          ['redirect', t('redirect.redirect')],
        ]}
      />
      <div className="cw-two">
        <Field label={t('redirect.uri')} value={form.uri} onChange={(uri) => set({ uri })} mistake={wrong.uri} mono />
        <Field
          label={t('redirect.authority')}
          value={form.authority}
          onChange={(authority) => set({ authority })}
          mono
        />
      </div>
      {form.action === 'redirect' && (
        <Field
          label={t('redirect.code')}
          value={form.code}
          onChange={(code) => set({ code })}
          options={['301', '302', '303', '307', '308'].map((c) => [c, c] as const)}
          mistake={wrong.code}
        />
      )}
    </>
  ),
  headers: ({ form, set, wrong, t }) => <Headers form={form} set={set} wrong={wrong} t={t} />,
};

function Headers({ form, set, wrong, t }: Omit<Questions, 'context'>) {
  const change = (i: number, part: Partial<HeaderEdit>) =>
    set({ headers: form.headers.map((h, k) => (k === i ? { ...h, ...part } : h)) });
  return (
    <>
      {form.headers.map((h, i) => (
        <div key={i} className="cw-header">
          <Field
            label={t('headers.on')}
            value={h.on}
            onChange={(v) => change(i, { on: v as HeaderEdit['on'] })}
            options={[
              ['request', t('headers.request')],
              ['response', t('headers.response')],
            ]}
          />
          <Field
            label={t('headers.op')}
            value={h.op}
            onChange={(v) => change(i, { op: v as HeaderEdit['op'] })}
            options={[
              ['set', t('headers.set')],
              ['add', t('headers.add')],
              ['remove', t('headers.remove')],
            ]}
          />
          <Field
            label={t('headers.name')}
            value={h.name}
            onChange={(name) => change(i, { name })}
            mistake={wrong[`headers.${i}.name`]}
            mono
          />
          {h.op !== 'remove' && (
            <Field
              label={t('headers.value')}
              value={h.value}
              onChange={(value) => change(i, { value })}
              mistake={wrong[`headers.${i}.value`]}
              mono
            />
          )}
          <Button
            variant="plain"
            aria-label={t('headers.drop', { name: h.name || String(i + 1) })}
            icon={<X size={15} strokeWidth={1.7} aria-hidden />}
            onClick={() => set({ headers: form.headers.filter((_, k) => k !== i) })}
          />
        </div>
      ))}
      {wrong.headers && (
        <p className="k-failing" role="alert">
          {t(`mistake.${wrong.headers}`)}
        </p>
      )}
      <Button
        variant="secondary"
        size="sm"
        className="cw-start"
        icon={<Plus size={14} strokeWidth={1.7} aria-hidden />}
        onClick={() => set({ headers: [...form.headers, { on: 'request', op: 'set', name: '', value: '' }] })}
      >
        {t('headers.more')}
      </Button>
    </>
  );
}
