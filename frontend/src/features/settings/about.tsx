import { useQuery } from '@tanstack/react-query';
import { versionOptions } from '../../api/generated/@tanstack/react-query.gen';
import { asProblem } from '../../api/problem';
import { useSession } from '../../api/session-store';
import { instant } from '../../lib/format';
import { Failed, Loading } from '../../ui/states';
import { useSettingsTexts } from './texts';

/** Which program this is, and who uses it. */
export function About() {
  const t = useSettingsTexts();
  const session = useSession();
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
      {session && (
        <>
          <div className="kv">
            <span>{t('about.user')}</span>
            <b>
              {session.user.name}, {session.user.role}
            </b>
          </div>
          {session.absoluteExpires && (
            <div className="kv">
              <span>{t('about.expires')}</span>
              <b className="num">{instant(session.absoluteExpires, Date.now())}</b>
            </div>
          )}
        </>
      )}
      <div className="kv">
        <span>{t('about.licence')}</span>
        <b>{t('about.licence.text')}</b>
      </div>
    </>
  );
}
