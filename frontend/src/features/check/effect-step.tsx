import { Checkbox } from '@patternfly/react-core';
import type { Ref, Standing } from '../../api/generated/types.gen';
import { useMayWrite } from '../../api/rights';
import { type Column, DataTable } from '../../ui/data-table';
import { ObjectLink } from '../../ui/object-link';
import { refKey } from './files';
import { useCheckTexts } from './texts';

interface EffectStepProps {
  documents: readonly Standing[];
  /** Objects that are left out. */
  without: ReadonlySet<string>;
  onWithout: (without: ReadonlySet<string>) => void;
}

/** Whether an object can be written at all by this person: it differs, and the role allows it. */
export function useWritable(): (document: Standing) => boolean {
  const may = useMayWrite();
  return (d) => d.state !== 'unchanged' && may([d.ref]);
}

/** Which of the objects are to be written: all, or some. */
export function EffectStep({ documents, without, onWithout }: EffectStepProps) {
  const t = useCheckTexts();
  const writable = useWritable();
  const toggle = (ref: Ref, on: boolean) => {
    const next = new Set(without);
    if (on) {
      next.delete(refKey(ref));
    } else {
      next.add(refKey(ref));
    }
    onWithout(next);
  };
  const columns: Column<Standing>[] = [
    {
      id: 'take',
      title: t('effect.take'),
      align: 'glyph',
      cell: (d) => (
        <Checkbox
          id={`take ${refKey(d.ref)}`}
          aria-label={t('effect.takeOne', { name: `${d.ref.kind} ${d.ref.name}` })}
          isChecked={writable(d) && !without.has(refKey(d.ref))}
          isDisabled={!writable(d)}
          onChange={(_, on) => toggle(d.ref, on)}
        />
      ),
    },
    {
      id: 'object',
      title: t('effect.object'),
      cell: (d) => (d.state === 'new' ? <b>{d.ref.name}</b> : <ObjectLink to={d.ref}>{d.ref.name}</ObjectLink>),
    },
    { id: 'kind', title: t('effect.kind'), cell: (d) => d.ref.kind },
    { id: 'namespace', title: t('effect.namespace'), cell: (d) => d.ref.namespace },
    {
      id: 'state',
      title: t('effect.state'),
      cell: (d) => (
        <>
          {t(`effect.${d.state}`)}
          {d.state !== 'unchanged' && !writable(d) && <span className="dim">{t('effect.notYours')}</span>}
        </>
      ),
    },
  ];
  return (
    <div className="ck-eff">
      {documents.some(writable) && <p className="ck-say">{t('effect.text')}</p>}
      <div className="tscroll grow">
        <DataTable
          label={t('effect.objects')}
          columns={columns}
          rows={documents}
          rowKey={(d) => `${d.file} ${refKey(d.ref)}`}
        />
      </div>
    </div>
  );
}
