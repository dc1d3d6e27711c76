import { useHealthWords } from '../../ui/health-words';
import { Banner } from '../../ui/states';
import { Why } from '../../ui/why';
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
  const causes = health.why ?? [];
  return (
    <Banner tone={health.state} lead={t('sentence', { said: words.title(node.name, health) })}>
      {(health.reasons ?? []).map((r) => `${t('sentence', { said: words.reason(r) })} `)}
      {causes.length > 0 ? <Why causes={causes} /> : words.since(health)}
    </Banner>
  );
}
