import { ProgressStep, ProgressStepper } from '@patternfly/react-core';

export interface Step {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly spoken: string;
}

/** Where the check is: eyes on a thread. */
export function Steps({ label, steps, current }: { label: string; steps: readonly Step[]; current: number }) {
  return (
    <ProgressStepper aria-label={label} className="ck-s">
      {steps.map((step, i) => (
        <ProgressStep
          key={step.id}
          id={`step-${step.id}`}
          titleId={`step-${step.id}-title`}
          variant={i < current ? 'success' : i === current ? 'info' : 'pending'}
          isCurrent={i === current}
          description={step.about}
          aria-label={step.spoken}
          icon={
            <span className={`ck-eye ${i < current ? 'is-done' : i === current ? 'is-now' : ''}`} aria-hidden="true" />
          }
        >
          {step.title}
        </ProgressStep>
      ))}
    </ProgressStepper>
  );
}
