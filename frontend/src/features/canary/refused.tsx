import type { CanaryRefusal } from '../../api/generated/types.gen';
import { ObjectLink } from '../../ui/object-link';
import { useCanaryTexts } from './texts';

/** Why calls in the mesh cannot be split, and the field that says so. */
export function Refused({ refusal, service }: { refusal: CanaryRefusal | undefined; service: string }) {
  const t = useCanaryTexts();
  const params = { service, ...refusal?.params };
  return (
    <p className="cn-refused">
      {(refusal && t.maybe(`refused.${refusal.code}`, params)) ?? t('refused.other', params)}
      {refusal?.ref && (
        <>
          {' '}
          <ObjectLink to={refusal.ref} at={refusal.path} />
          {refusal.path && <span className="mono"> {refusal.path}</span>}
        </>
      )}
    </p>
  );
}
