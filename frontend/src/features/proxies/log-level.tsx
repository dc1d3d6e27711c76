import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import {
  proxyLogLevelOptions,
  proxyLogLevelQueryKey,
  setProxyLogLevelMutation,
} from '../../api/generated/@tanstack/react-query.gen';
import type { SetLogLevelInputBody } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { useCan } from '../../api/session-store';
import { Menu } from '../../ui/menu';
import { useProblemWords } from '../../ui/problem-words';
import { useProxiesTexts } from './texts';

const levels = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;

/** How much the proxy logs; administrators change it, until the proxy starts again. */
export function LogLevel({ proxy }: { proxy: string }) {
  const t = useProxiesTexts();
  const words = useProblemWords();
  const mayChange = useCan('admin');
  const client = useQueryClient();
  const path = { proxy };
  const level = useQuery(proxyLogLevelOptions({ path }));
  const change = useMutation({
    ...setProxyLogLevelMutation(),
    onSuccess: (now) => client.setQueryData(proxyLogLevelQueryKey({ path }), now),
  });
  if (!level.data) {
    return null;
  }
  const text = t(Object.keys(level.data.others ?? {}).length > 0 ? 'level.others' : 'level.is', {
    level: level.data.level,
  });
  if (!mayChange) {
    return <span className="dim">{text}</span>;
  }
  return (
    <>
      {change.isError && (
        <span role="alert" className="k-failing">
          {t('level.failed')} {words(asProblem(change.error))}
        </span>
      )}
      <Menu
        label={t('level')}
        value={level.data.level}
        shown={text}
        options={levels.map((l) => ({ value: l, text: l }))}
        onPick={(to) => change.mutate({ path, body: { level: to as SetLogLevelInputBody['level'] } })}
      />
    </>
  );
}
