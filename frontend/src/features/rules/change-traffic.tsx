import { Button } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import type { Ref } from '../../api/generated/types.gen';
import { useCan } from '../../api/session-store';
import { NewMenu } from './new-menu';
import { useRulesTexts } from './texts';

/** What can be begun from the list: an object as YAML, or a change in words, for who may make one. */
export function Begin() {
  const t = useRulesTexts();
  return (
    <>
      <NewMenu />
      {useCan('editTraffic') && (
        <Button
          variant="primary"
          icon={<Plus size={15} strokeWidth={1.7} aria-hidden />}
          component={(props) => <Link {...props} to={'/change' as string} />}
        >
          {t('change')}
        </Button>
      )}
    </>
  );
}

interface FormLinksProps {
  object: Ref;
  /** The services that it acts on, as namespace/name. */
  services: readonly string[];
  /** There is text that is not written yet. */
  edited: boolean;
}

/** The way from an object to the form that changes it in words, by the service that is meant. */
export function FormLinks({ object, services, edited }: FormLinksProps) {
  const t = useRulesTexts();
  return (
    <div className="ru-pad">
      <p>{t('form.text')}</p>
      {edited && <p className="k-degraded">{t('form.unsaved')}</p>}
      <ul className="ru-acts">
        {services.map((service) => (
          <li key={service}>
            <Link to={'/change' as string} search={{ service, object: `${object.namespace}/${object.name}` } as never}>
              {t('form.of', { name: service })}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
