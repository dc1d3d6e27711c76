import { FormSelect, FormSelectOption, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useId } from 'react';
import type { CanaryCandidate } from '../../api/generated/types.gen';
import { ObjectLink } from '../../ui/object-link';
import { useCanaryTexts } from './texts';

interface RuleChoiceProps {
  candidates: readonly CanaryCandidate[];
  /** Undefined where calls in the mesh cannot be split. */
  candidate: CanaryCandidate | undefined;
  /** Without an id: the one that is meant for calls in the mesh. */
  choose: (id: string | undefined) => void;
}

type Texts = ReturnType<typeof useCanaryTexts>;

/** Which rule is split: that for calls in the mesh or, as a choice of its own, one of a gateway. */
export function RuleChoice({ candidates, candidate, choose }: RuleChoiceProps) {
  const t = useCanaryTexts();
  const id = useId();
  const kind = candidate?.kind ?? 'mesh';
  const ofGateway = candidates.filter((c) => c.kind === 'gateway');
  const shown = candidates.filter((c) => c.kind === kind);
  if (ofGateway.length === 0 && shown.length < 2) {
    return null;
  }
  return (
    <div className="cn-of">
      {ofGateway.length > 0 && (
        <ToggleGroup isCompact aria-label={t('calls')}>
          <ToggleGroupItem text={t('calls.mesh')} isSelected={kind === 'mesh'} onChange={() => choose(undefined)} />
          <ToggleGroupItem
            text={t('calls.gateway')}
            isSelected={kind === 'gateway'}
            onChange={() => choose(ofGateway[0]?.id)}
          />
        </ToggleGroup>
      )}
      {shown.length > 1 ? (
        <>
          <label htmlFor={id} className="dim">
            {t('rule')}
          </label>
          <FormSelect id={id} value={candidate?.id} onChange={(_, chosen) => choose(chosen)}>
            {shown.map((c) => (
              <FormSelectOption key={c.id} value={c.id} label={nameOf(c, t)} />
            ))}
          </FormSelect>
        </>
      ) : (
        candidate?.ref && (
          <span className="dim">
            {t.rich(
              'candidate',
              { rule: <ObjectLink to={candidate.ref} at={`spec.http[${candidate.route}]`} /> },
              { matches: matchesOf(candidate, t) },
            )}
          </span>
        )
      )}
    </div>
  );
}

function nameOf(c: CanaryCandidate, t: Texts): string {
  const matches = matchesOf(c, t);
  if (!c.ref) {
    return t('candidate', { rule: t('candidate.new'), matches });
  }
  const rule = `${c.ref.namespace}/${c.ref.name} http[${c.route}]${c.name ? ` ${c.name}` : ''}`;
  return t('candidate', { rule, matches });
}

function matchesOf(c: CanaryCandidate, t: Texts): string {
  const matches = (c.matches ?? []).join(t('or'));
  return matches ? t('candidate.matches', { matches }) : t('candidate.all');
}
