import { GitBranch, Hourglass, Route, Shuffle, SplitSquareHorizontal, Type, Zap } from 'lucide-react';
import type { Intent } from './model/form';
import { useChangeTexts } from './texts';

const icons = {
  split: SplitSquareHorizontal,
  route: Route,
  fault: Zap,
  mirror: GitBranch,
  resilience: Hourglass,
  redirect: Shuffle,
  headers: Type,
} as const;

/** What can be done, each in a sentence. */
export function Intentions({
  list,
  chosen,
  onChoose,
}: {
  list: readonly Intent[];
  chosen: Intent | undefined;
  onChoose: (intent: Intent) => void;
}) {
  const t = useChangeTexts();
  return (
    <div className="cw-pad">
      <p className="cw-lead">{t('intentions.lead')}</p>
      <ul className="cw-list cw-int">
        {list.map((intent) => {
          const Icon = icons[intent];
          return (
            <li key={intent}>
              <button type="button" aria-pressed={intent === chosen} onClick={() => onChoose(intent)}>
                <Icon size={16} strokeWidth={1.7} aria-hidden />
                <span>
                  <b>{t(`intent.${intent}`)}</b>
                  <small>{t(`intent.${intent}.text`)}</small>
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
