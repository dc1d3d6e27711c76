import { Button } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';
import { Fragment } from 'react';
import type { Ref, RefusedResource } from '../../api/generated/types.gen';
import { clock } from '../../lib/format';
import { fullName } from '../../lib/kinds';
import { objectAddress } from '../../lib/object-address';
import { HealthGlyph } from '../../ui/glyph';
import { ObjectLink } from '../../ui/object-link';
import { configType } from './model/status';
import { useProxiesTexts } from './texts';

/** What a proxy rejected, each with Envoy's words and the object that caused it. */
export function Nacks({ refused }: { refused: readonly RefusedResource[] }) {
  return (
    <div className="px-nacks">
      {refused.map((one) => (
        <Nack key={`${one.type} ${one.resource}`} refused={one} />
      ))}
    </div>
  );
}

function Nack({ refused }: { refused: RefusedResource }) {
  const t = useProxiesTexts();
  const type = configType(refused.type);
  const [culprit, ...others] = refused.refs ?? [];
  const address = culprit && objectAddress(culprit);
  return (
    <div className="px-nack">
      <HealthGlyph health="failing" size={16} label="" />
      <div>
        <b>
          {t('nack.title', {
            type: type ? t(`type.${type}`) : refused.type,
            resource: refused.resource,
            time: clock(refused.at),
          })}
        </b>
        <p>
          <q>{refused.message}</q>
        </p>
        {culprit && (
          <p>
            {t.rich('nack.cause', { object: <ObjectLink to={culprit} /> })}{' '}
            {others.length > 0 && t.rich('nack.also', { objects: <Objects refs={others} /> })}
          </p>
        )}
      </div>
      {address && (
        <Button variant="primary" size="sm" component={(props) => <Link {...props} to={address} />}>
          {t('nack.fix')}
        </Button>
      )}
    </div>
  );
}

const Objects = ({ refs }: { refs: readonly Ref[] }) =>
  refs.map((ref, i) => (
    <Fragment key={fullName(ref)}>
      {i > 0 && ', '}
      <ObjectLink to={ref} />
    </Fragment>
  ));
