import { useQuery } from '@tanstack/react-query';
import { versionOptions } from '../../api/generated/@tanstack/react-query.gen';
import { asProblem } from '../../api/problem';
import { Failed, Loading } from '../../ui/states';
import { useSettingsTexts } from './texts';

/** Which program this is. */
export function About() {
  const t = useSettingsTexts();
  const version = useQuery(versionOptions());
  if (version.isPending) {
    return <Loading />;
  }
  if (version.isError) {
    return <Failed error={asProblem(version.error)} retry={() => void version.refetch()} />;
  }
  return (
    <>
      <div className="kv">
        <span>{t('about.version')}</span>
        <b className="mono">{version.data.version}</b>
      </div>
      <div className="kv">
        <span>{t('about.licence')}</span>
        <b>{t('about.licence.text')}</b>
      </div>
    </>
  );
}
