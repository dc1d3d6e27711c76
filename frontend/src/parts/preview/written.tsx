import type { PreviewText } from '../../api/generated/types.gen';
import { Diff } from '../../ui/diff';
import { refKey } from './resolve';
import { usePreviewTexts } from './texts';
import './preview.css';

const nameOf = (w: PreviewText) => `${w.ref.kind} ${w.ref.namespace ? `${w.ref.namespace}/` : ''}${w.ref.name}`;

/** What is written, object by object, as a diff. */
export function Written({ written }: { written: readonly PreviewText[] }) {
  const t = usePreviewTexts();
  const changed = written.filter((w) => w.before !== w.after);
  return (
    <section className="pv-s">
      {changed.length === 0 && (
        <>
          <h3>{t('written')}</h3>
          <p className="dim">{t('written.nothing')}</p>
        </>
      )}
      {changed.map((w, i) => (
        <div key={refKey(w.ref)}>
          <h3>
            {i === 0 && t('written')} <span className="dim">{nameOf(w)}</span>
            {!w.before && <span className="dim">{t('written.created')}</span>}
            {!w.after && <span className="dim">{t('written.deleted')}</span>}
          </h3>
          <Diff before={w.before ?? ''} after={w.after ?? ''} label={t('written.label', { name: nameOf(w) })} />
          {w.before && w.after && <p className="pv-note dim">{t('written.rest')}</p>}
        </div>
      ))}
    </section>
  );
}
