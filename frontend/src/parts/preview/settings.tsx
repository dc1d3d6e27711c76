import { useState } from 'react';
import type { PreviewSettingChange, PreviewValue } from '../../api/generated/types.gen';
import { ObjectLink } from '../../ui/object-link';
import { useSettingName } from '../../ui/setting-words';
import './preview.css';
import { usePreviewTexts } from './texts';

/** So many are shown at once: a change of a whole namespace touches hundreds. */
const shown = 6;

/** What will be in force for the services concerned, beside what is now, and who decides it. */
export function Settings({ settings }: { settings: readonly PreviewSettingChange[] }) {
  const t = usePreviewTexts();
  const name = useSettingName();
  const [all, setAll] = useState(false);
  if (settings.length === 0) {
    return null;
  }
  const listed = all ? settings : settings.slice(0, shown);
  return (
    <section className="pv-s">
      <h3>{t('settings')}</h3>
      <table className="pv-set">
        <thead>
          <tr>
            <th scope="col">{t('settings.setting')}</th>
            <th scope="col">{t('settings.before')}</th>
            <th scope="col">{t('settings.after')}</th>
          </tr>
        </thead>
        <tbody>
          {listed.map((s, i) => (
            <tr key={`${s.scope} ${s.match} ${s.setting} ${i}`}>
              <th scope="row">
                {name(s.setting)}
                <span className="dim">{t('settings.of', { service: s.scope.replace(/^service /, '') })}</span>
                {s.match && <span className="dim">{t('settings.for', { match: s.match })}</span>}
              </th>
              <td>
                <InForce value={s.before} exists />
              </td>
              <td>
                <InForce value={s.after} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {settings.length > listed.length && (
        <button type="button" className="pv-more" onClick={() => setAll(true)}>
          {t('settings.more', { count: settings.length - listed.length })}
        </button>
      )}
    </section>
  );
}

function InForce({ value, exists = false }: { value: PreviewValue | undefined; exists?: boolean }) {
  const t = usePreviewTexts();
  if (!value) {
    return <span className="dim">{t('settings.nothing')}</span>;
  }
  const from = value.from?.[0];
  return (
    <>
      <span className="mono">{value.value}</span>
      <span className="dim">
        {from
          ? t.rich('settings.from', {
              // What is not written yet has no page to lead to.
              object: exists ? (
                <ObjectLink to={from} at={value.path}>
                  {from.kind} {from.name}
                </ObjectLink>
              ) : (
                `${from.kind} ${from.name}`
              ),
            })
          : t('settings.default')}
      </span>
    </>
  );
}
