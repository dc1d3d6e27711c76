import { PageHead } from '../../ui/page';
import { Begin } from './change-traffic';
import { ObjectsList, SaveObjects, useObjects } from './objects-list';
import './rules.css';
import { tally } from './rows';
import { useRulesTexts } from './texts';

/** The list of all objects that say where traffic goes. */
export function RulesPage() {
  const t = useRulesTexts();
  return (
    <div className="page">
      <PageHead
        title={t('title')}
        facts={<Facts />}
        actions={
          <>
            <SaveObjects />
            <Begin />
          </>
        }
      />
      <div className="ru-list">
        <ObjectsList />
      </div>
    </div>
  );
}

/** How many objects there are, and what is wrong. */
export function Facts() {
  const t = useRulesTexts();
  const { all, status } = useObjects();
  if (status.state !== 'ready') {
    return null;
  }
  const { errors, warnings } = tally(all);
  return (
    <>
      <span>{t('facts', { count: all.length })}</span>
      {errors > 0 && <span className="k-failing">{t('facts.errors', { count: errors })}</span>}
      {warnings > 0 && <span className="k-degraded">{t('facts.warnings', { count: warnings })}</span>}
      {errors + warnings === 0 && all.length > 0 && <span>{t('facts.none')}</span>}
    </>
  );
}
