import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { serviceSettingsOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { LiveObject, Ref, Setting } from '../../api/generated/types.gen';
import { objectId } from '../../api/live/object-id';
import { useElements, useTopic } from '../../api/live/use-live';
import { asProblem } from '../../api/problem';
import { age } from '../../lib/format';
import { objectAddress } from '../../lib/object-address';
import { SeverityGlyph } from '../../ui/glyph';
import { Sheet } from '../../ui/page';
import { useSettingName } from '../../ui/setting-words';
import { Failed, Loading } from '../../ui/states';
import type { Detail } from './detail';
import { decidedBy, servicesOf } from './model/origin';
import { useServicesTexts } from './texts';

/** What is in force for calls to it, who decided it, and every object that acts on it. */
export function RulesTab({ subject, node }: Detail) {
  const t = useServicesTexts();
  const services = subject.kind === 'service' ? [subject] : servicesOf(node.services);
  const settings = useQueries({
    queries: services.map(({ namespace, name }) => ({
      ...serviceSettingsOptions({ path: { namespace, name } }),
      refetchInterval: 5_000,
    })),
  });
  return (
    <>
      {settings.map((query, i) => (
        <Sheet
          key={`${services[i]?.namespace}/${services[i]?.name}`}
          title={subject.kind === 'service' ? t('rules') : t('rules.of', { service: services[i]?.name ?? '' })}
          facts={t('rules.who')}
        >
          {query.isPending ? (
            <Loading />
          ) : query.isError ? (
            <Failed title={t('rules.failed')} error={asProblem(query.error)} retry={() => void query.refetch()} />
          ) : (
            <Settings settings={query.data ?? []} />
          )}
        </Sheet>
      ))}
      <Sheet title={t('rules.objects')}>
        <Objects
          rules={node.rules ?? []}
          settings={settings.flatMap((query) => query.data ?? [])}
          known={settings.length > 0 && settings.every((query) => query.isSuccess)}
        />
      </Sheet>
    </>
  );
}

function Settings({ settings }: { settings: readonly Setting[] }) {
  const t = useServicesTexts();
  const name = useSettingName();
  return (
    <div className="sv-wrap">
      <table className="vt pad num sv-left">
        <thead>
          <tr>
            <th scope="col">{t('rules.setting')}</th>
            <th scope="col">{t('rules.value')}</th>
            <th scope="col">{t('rules.for')}</th>
            <th scope="col">{t('rules.from')}</th>
            <th scope="col">{t('rules.field')}</th>
          </tr>
        </thead>
        <tbody>
          {settings.map((s, i) => (
            <tr key={`${s.setting} ${i}`}>
              <th scope="row">{name(s.setting)}</th>
              <td className="mono sv-value">{s.value}</td>
              <td className={s.match ? 'sv-value' : 'dim'}>{s.match || s.rule || t('rules.every')}</td>
              <td>
                <Origin setting={s} />
              </td>
              <td className="dim">
                <Field path={s.path} line={s.line} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The field that decides, and its line in the text of its object. */
function Field({ path, line }: { path?: string | undefined; line?: number | undefined }) {
  const t = useServicesTexts();
  if (!path) {
    return null;
  }
  return (
    <>
      <span className="mono sv-value">{path}</span>
      {line !== undefined && <span className="sv-line">{t('rules.line', { line })}</span>}
    </>
  );
}

function Origin({ setting }: { setting: Setting }) {
  const t = useServicesTexts();
  const [first, ...others] = setting.from ?? [];
  if (!first) {
    return <span className="dim">{t('rules.default')}</span>;
  }
  return (
    <>
      <ObjectName of={first} at={setting.path} />
      {others.map((ref) => (
        <span key={`${ref.kind}/${ref.name}`}>
          {', '}
          <ObjectName of={ref} />
        </span>
      ))}
    </>
  );
}

/** An object, leading to its page, and there to the field that decides. */
function ObjectName({ of, at }: { of: Ref; at?: string | undefined }) {
  const to = objectAddress(of, at);
  const name = `${of.kind} ${of.name}`;
  return to ? (
    <Link to={to} title={at}>
      {name}
    </Link>
  ) : (
    name
  );
}

interface ObjectsProps {
  readonly rules: readonly Ref[];
  readonly settings: readonly Setting[];
  /** All settings have been read: an object that decides none of them says so. */
  readonly known: boolean;
}

function Objects({ rules, settings, known }: ObjectsProps) {
  const t = useServicesTexts();
  const objects = useElements<LiveObject>(useTopic('objects'));
  const rows = useMemo(() => rules.map((ref) => ({ ref, object: objects.get(objectId(ref)) })), [rules, objects]);
  if (rows.length === 0) {
    return <p className="sv-none">{t('rules.none')}</p>;
  }
  return (
    <div className="sv-wrap">
      <table className="vt pad num sv-left">
        <thead>
          <tr>
            <th scope="col">{t('rules.object')}</th>
            <th scope="col">{t('rules.sets')}</th>
            <th scope="col">{t('rules.state')}</th>
            <th scope="col">{t('rules.changed')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ ref, object }) => (
            <tr key={`${ref.kind}/${ref.namespace}/${ref.name}`}>
              <th scope="row">
                <ObjectName of={ref} />
              </th>
              <td>
                <Sets of={ref} settings={settings} known={known} />
              </td>
              <td>{object && <State state={object.state} />}</td>
              <td className="dim">
                {object?.changed &&
                  t('rules.changed.by', {
                    age: age(object.changed.at, Date.now(), t.language),
                    actor: object.changed.actor ?? '',
                  })}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The effective values that an object decides, each leading to its line. */
function Sets({ of, settings, known }: { of: Ref } & Omit<ObjectsProps, 'rules'>) {
  const t = useServicesTexts();
  const name = useSettingName();
  const decided = decidedBy(settings, of);
  if (decided.length === 0) {
    return known && <span className="dim">{t('rules.sets.nothing')}</span>;
  }
  return (
    <ul className="sv-sets">
      {decided.map(({ setting, path, line }, i) => {
        const to = path && objectAddress(of, path);
        return (
          <li key={`${setting.setting} ${i}`}>
            {name(setting.setting)} <span className="mono sv-value">{setting.value}</span>
            {setting.match && <span className="sv-line dim">{setting.match}</span>}
            {to && line !== undefined && (
              <Link to={to} title={path} className="sv-line">
                {t('rules.line', { line })}
              </Link>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function State({ state }: { state: LiveObject['state'] }) {
  const t = useServicesTexts();
  if (state === 'ok') {
    return <span className="dim">{t('rules.state.ok')}</span>;
  }
  return (
    <>
      <SeverityGlyph severity={state === 'rejected' ? 'error' : state} size={12} label="" /> {t(`rules.state.${state}`)}
    </>
  );
}
