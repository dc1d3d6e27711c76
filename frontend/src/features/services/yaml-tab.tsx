import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { listObjectsOptions, objectOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { Object as MeshObject } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { CopyButton } from '../../ui/copy-button';
import { Sheet } from '../../ui/page';
import { Failed, Loading } from '../../ui/states';
import type { Detail } from './detail';
import type { Subject } from './model/subject';
import { useServicesTexts } from './texts';

const Code = lazy(() => import('../../ui/code/code').then((m) => ({ default: m.Code })));

/** Kinds that a workload may be made of, the usual one first. */
const workloadKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Pod', 'WorkloadEntry'] as const;

/** The document that it was made from. */
export function YamlTab({ subject, node }: Detail) {
  const entry = node.rules?.find((r) => r.kind === 'ServiceEntry');
  if (subject.kind === 'workload') {
    return <WorkloadDocument subject={subject} />;
  }
  return node.external && entry ? (
    <Document kind="ServiceEntry" namespace={entry.namespace ?? ''} name={entry.name} />
  ) : (
    <Document kind="Service" namespace={subject.namespace} name={subject.name} />
  );
}

function Document(at: { kind: string; namespace: string; name: string }) {
  const t = useServicesTexts();
  const object = useQuery(objectOptions({ path: at }));
  if (object.isPending) {
    return <Loading lines={8} />;
  }
  if (object.isError) {
    return <Failed title={t('yaml.failed')} error={asProblem(object.error)} retry={() => void object.refetch()} />;
  }
  return <Shown object={object.data} />;
}

/** A workload is one of several kinds: the one that is there. */
function WorkloadDocument({ subject: { namespace, name } }: { subject: Subject }) {
  const t = useServicesTexts();
  const objects = useQuery({
    queryKey: ['workload document', namespace, name],
    queryFn: async ({ client }) => {
      for (const kind of workloadKinds) {
        const list = await client.fetchQuery(listObjectsOptions({ path: { kind }, query: { namespace } }));
        const found = (list ?? []).find((o) => o.ref.name === name);
        if (found) {
          return found;
        }
      }
      return null;
    },
  });
  if (objects.isPending) {
    return <Loading lines={8} />;
  }
  if (objects.isError) {
    return <Failed title={t('yaml.failed')} error={asProblem(objects.error)} retry={() => void objects.refetch()} />;
  }
  return objects.data ? <Shown object={objects.data} /> : <p className="dim">{t('yaml.none')}</p>;
}

function Shown({ object }: { object: MeshObject }) {
  const t = useServicesTexts();
  const { ref, origin, yaml } = object;
  return (
    <Sheet title={`${ref.kind} ${ref.name}`} end={<CopyButton text={yaml} />}>
      {origin.file && <p className="sv-file mono">{t('yaml.file', { file: origin.file, line: origin.line ?? 1 })}</p>}
      <div className="sv-yaml">
        <Suspense fallback={<Loading lines={8} />}>
          <Code value={yaml} label={`${ref.kind} ${ref.name}`} />
        </Suspense>
      </div>
    </Sheet>
  );
}
