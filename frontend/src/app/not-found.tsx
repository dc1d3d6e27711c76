import { Link } from '@tanstack/react-router';
import { Empty } from '../ui/states';
import { useAppTexts } from './texts';

export function NotFound() {
  const t = useAppTexts();
  return (
    <div className="page">
      <div className="body">
        <Empty title={t('notFound.title')} action={<Link to="/">{t('notFound.action')}</Link>}>
          {t('notFound.text')}
        </Empty>
      </div>
    </div>
  );
}
