import { PageHead, Sheet } from '../../ui/page';
import { About } from './about';
import { useSettingsTexts } from './texts';

export function SettingsPage() {
  const t = useSettingsTexts();
  return (
    <div className="page">
      <PageHead title={t('title')} />
      <div className="body">
        <Sheet title={t('about')}>
          <About />
        </Sheet>
      </div>
    </div>
  );
}
