import { useHealthWords } from '../../ui/health-words';
import { Banner } from '../../ui/states';
import type { Detail } from './detail';
import { useServicesTexts } from './texts';

/** Why it is not healthy, in words. */
export function Trouble({ node }: Pick<Detail, 'node'>) {
  const t = useServicesTexts();
  const words = useHealthWords();
  const { health } = node;
  if (health.state !== 'failing' && health.state !== 'degraded') {
    return null;
  }
  const said = [
    ...(health.reasons ?? []).map((r) => t('sentence', { said: words.reason(r) })),
    ...((health.why ?? []).length > 0 ? (health.why ?? []).map((w) => words.why(w)) : [words.since(health)]),
  ];
  return (
    <Banner tone={health.state} lead={t('sentence', { said: words.title(node.name, health) })}>
      {said.join(' ')}
    </Banner>
  );
}
