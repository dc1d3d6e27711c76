import { Button, FormSelect, FormSelectOption } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type Dispatch, type SetStateAction, useEffect, useState } from 'react';
import type { Service } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { request } from '../../api/request';
import { changeAddress } from '../../lib/addresses';
import { inScope } from '../../lib/scope';
import { PageHead } from '../../ui/page';
import { Empty, Failed, Loading } from '../../ui/states';
import { useScope } from '../../ui/use-scope';
import './change.css';
import { Details } from './details';
import { formFacts, previewFacts } from './facts';
import { Intentions } from './intentions';
import { intents, isIntent, mistakes } from './model/form';
import { Review } from './review';
import { ServiceHealth } from './service-health';
import { useChangeTexts } from './texts';
import { useRule } from './use-rule';
import { useTarget } from './use-target';

const steps = ['service', 'intention', 'details', 'review'] as const;
type Step = (typeof steps)[number];

interface Search {
  service?: string;
  intent?: string;
  object?: string;
  step?: string;
}

/** "Change traffic": service, intention, details in words, review, and then it is applied. */
export function ChangePage() {
  const t = useChangeTexts();
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const service = search.service ?? '';
  const intent = isIntent(search.intent) ? search.intent : undefined;
  // A step that lacks an answer leads back to where it is asked.
  const wanted = steps.find((s) => s === search.step) ?? (service ? (intent ? 'details' : 'intention') : 'service');
  const step: Step = !service ? 'service' : !intent && wanted !== 'service' ? 'intention' : wanted;
  const go = (to: Partial<Search>) =>
    void navigate({ to: '.', search: ((old: Search) => ({ ...old, ...to })) as never });
  const name = service.split('/')[1] ?? '';
  const at = steps.indexOf(step);
  const [said, setSaid] = useState<Said>({});
  const facts: Record<Step, string> = {
    service: name || t('step.service.open'),
    intention: intent ? t(`intent.${intent}`) : t('step.intention.open'),
    details: said.details || t('step.details.open'),
    review: said.review || t('step.review.open'),
  };
  return (
    <div className="page">
      <PageHead
        crumb={
          <>
            <Link to="/rules">{t('rules')}</Link>
            <span aria-hidden="true">/</span>
            <span>{t('crumb')}</span>
          </>
        }
        title={name ? t('title.of', { name }) : t('title')}
        facts={name && <ServiceHealth namespace={service.split('/')[0] ?? ''} name={name} />}
      />
      <div className="cw">
        <nav aria-label={t('steps')} className="cw-nav">
          <ol>
            {steps.map((s, i) => (
              <li key={s}>
                <button
                  type="button"
                  className={s === step ? 'on' : i < at ? 'done' : ''}
                  aria-current={s === step ? 'step' : undefined}
                  disabled={i > at}
                  onClick={() => go({ step: s })}
                >
                  <i aria-hidden="true" />
                  <span>
                    {t(`step.${s}`)}
                    <small>{facts[s]}</small>
                  </span>
                </button>
              </li>
            ))}
            <li>
              <button type="button" disabled>
                <i aria-hidden="true" />
                <span>
                  {t('step.apply')}
                  <small>{t('step.apply.open')}</small>
                </span>
              </button>
            </li>
          </ol>
        </nav>
        <div className="cw-main">
          {step === 'service' && (
            <Services
              chosen={service}
              onChoose={(of) => go({ service: of, step: intent ? 'details' : 'intention', object: '' })}
            />
          )}
          {step === 'intention' && (
            <Intentions list={intents} chosen={intent} onChoose={(i) => go({ intent: i, step: 'details' })} />
          )}
          {(step === 'details' || step === 'review') && intent && (
            <Rule
              // Another service, intention or object is another form.
              key={`${service} ${intent} ${search.object ?? ''}`}
              service={service}
              intent={intent}
              object={search.object}
              step={step}
              onObject={(object) => go({ object })}
              onStep={(s) => go({ step: s })}
              onDone={(to) => void navigate({ to })}
              onSaid={setSaid}
            />
          )}
        </div>
      </div>
    </div>
  );
}

/** The services to choose from, by namespace. */
function Services({ chosen, onChoose }: { chosen: string; onChoose: (service: string) => void }) {
  const t = useChangeTexts();
  const scope = useScope();
  const query = useQuery({
    queryKey: ['services to change'],
    queryFn: ({ signal }) => request<Service[] | null>('/api/v1/services', { signal }),
  });
  if (query.error) {
    return <Failed error={asProblem(query.error)} retry={() => void query.refetch()} />;
  }
  if (!query.data) {
    return <Loading lines={6} />;
  }
  const services = query.data.filter((s) => !s.external && inScope(scope, s.namespace));
  if (services.length === 0) {
    return <Empty title={t('services.none')} />;
  }
  return (
    <div className="cw-pad">
      <p className="cw-lead">{t('services.lead')}</p>
      <ul className="cw-list">
        {services.map((s) => {
          const of = `${s.namespace}/${s.name}`;
          return (
            <li key={of}>
              <button type="button" aria-pressed={of === chosen} onClick={() => onChoose(of)}>
                <b>{s.name}</b>
                <small>
                  {s.namespace} · {(s.workloads ?? []).join(', ')}
                </small>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** What the later steps say of themselves, in a few words. */
interface Said {
  readonly details?: string;
  readonly review?: string;
}

interface RuleProps {
  service: string;
  intent: (typeof intents)[number];
  object: string | undefined;
  step: 'details' | 'review';
  onObject: (object: string) => void;
  onStep: (step: Step) => void;
  onDone: (address: string) => void;
  onSaid: Dispatch<SetStateAction<Said>>;
}

function Rule({ service, intent, object, step, onObject, onStep, onDone, onSaid }: RuleProps) {
  const t = useChangeTexts();
  const target = useTarget(service, object);
  const { base, context } = target;
  const rule = useRule(`${service} ${intent} ${target.ref?.name ?? 'new'}`, intent, base, target.destination, context);
  const details = rule ? formFacts(intent, rule.form, t) : '';
  useEffect(() => {
    onSaid({ details });
    return () => onSaid({});
  }, [details, onSaid]);
  if (target.error) {
    return <Failed error={asProblem(target.error)} retry={target.again} />;
  }
  const info = target.info.data;
  if (!base || !info || !rule || target.destination === undefined) {
    return <Loading lines={8} />;
  }
  const found = mistakes(intent, rule.form, context);
  const wrong = rule.asked ? found : {};
  // Half a word in the editor must not take the editor away.
  if (step === 'review' && (rule.byHand || Object.keys(found).length === 0)) {
    return (
      <Review
        intent={intent}
        form={rule.form}
        conditions={rule.conditions}
        service={info}
        base={rule.base}
        yaml={rule.yaml}
        entries={rule.entries}
        onYaml={rule.edit}
        onMerged={rule.merge}
        onApplied={(change) => {
          rule.forget();
          onDone(change ? changeAddress(change.id) : '/rules');
        }}
        onPreviewed={(preview) => onSaid((old) => ({ ...old, review: previewFacts(preview, t) }))}
        onBack={() => onStep('details')}
        onCancel={() => {
          rule.forget();
          onDone('/rules');
        }}
      />
    );
  }
  const next = () => {
    rule.ask();
    if (Object.keys(found).length === 0) {
      onStep('review');
    }
  };
  return (
    <>
      <div className="cw-pad">
        {(target.rules.length > 1 || (target.rules.length === 1 && !target.ref)) && (
          <div className="cw-object">
            <span className="dim" aria-hidden="true">
              {t('object')}
            </span>
            <FormSelect
              aria-label={t('object')}
              value={target.ref ? `${target.ref.namespace}/${target.ref.name}` : 'new'}
              onChange={(_, v) => onObject(v)}
            >
              {target.rules.map((r) => (
                <FormSelectOption
                  key={`${r.namespace}/${r.name}`}
                  value={`${r.namespace}/${r.name}`}
                  label={`${r.kind} ${r.namespace}/${r.name}`}
                />
              ))}
              {!target.rules.some((r) => r.name === context.name && r.namespace === context.namespace) && (
                <FormSelectOption value="new" label={t('object.new')} />
              )}
            </FormSelect>
          </div>
        )}
        <Details
          intent={intent}
          form={rule.form}
          rules={rule.rules}
          context={context}
          wrong={wrong}
          onChange={rule.change}
          onWhere={rule.choose}
        />
      </div>
      <footer className="cw-foot">
        <Button variant="primary" onClick={next}>
          {t('next')}
        </Button>
        <Button variant="secondary" onClick={() => onStep('intention')}>
          {t('back')}
        </Button>
        <span className="fill" />
        <span className="dim">{t('nothingYet')}</span>
      </footer>
    </>
  );
}
