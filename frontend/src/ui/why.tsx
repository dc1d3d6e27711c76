import { Link } from '@tanstack/react-router';
import { Fragment } from 'react';
import type { GraphWhy } from '../api/generated/types.gen';
import { changeAddress, serviceAddress, workloadAddress } from '../lib/addresses';
import { useHealthWords } from './health-words';
import { useUiTexts } from './texts';

/** The causes of a bad state as sentences, each leading to its change, or to whom it waits for. */
export function Why({ causes }: { causes: readonly GraphWhy[] }) {
  return causes.map((why, i) => (
    <Fragment key={why.rule}>
      {i > 0 && ' '}
      <Cause why={why} />
    </Fragment>
  ));
}

function Cause({ why }: { why: GraphWhy }) {
  const t = useUiTexts();
  const { what, name, ...words } = useHealthWords().causes(why);
  const { change, node = '', namespace } = why.params;
  const page = node.startsWith('service/')
    ? serviceAddress
    : node.startsWith('workload/')
      ? workloadAddress
      : undefined;
  return t.rich(
    `why.${why.rule}`,
    {
      what: change ? <Link to={changeAddress(change)}>{what}</Link> : what,
      name: page && namespace ? <Link to={page({ namespace, name })}>{name}</Link> : name,
    },
    words,
  );
}
