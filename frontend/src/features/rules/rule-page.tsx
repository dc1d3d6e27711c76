import { Button, Label, Tab, Tabs, TabTitleText } from '@patternfly/react-core';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { History as HistoryIcon, Trash2 } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { useCheck } from '../../api/check';
import type { HistoryChange, PreviewEntry } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { useMayWrite } from '../../api/rights';
import { changeAddress, serviceAddress } from '../../lib/addresses';
import { fieldOffset } from '../../lib/field-offset';
import { age } from '../../lib/format';
import { fullName, isNamed, kindName, roleToWrite } from '../../lib/kinds';
import { PreviewDrawer } from '../../parts/preview/preview-drawer';
import { Diff } from '../../ui/diff';
import { diffLines } from '../../ui/diff-lines';
import { PageHead } from '../../ui/page';
import { Banner, Empty, Failed, Loading, NoRights } from '../../ui/states';
import { useNow } from '../../ui/use-now';
import { Begin, FormLinks } from './change-traffic';
import { DeleteRule } from './delete-rule';
import { Editor, EditorFoot } from './editor';
import { History } from './history';
import { KindGlyph } from './kind-glyph';
import { ActsOn, ObjectsList } from './objects-list';
import './rules.css';
import { Rejected } from './rejected';
import { Facts } from './rules-page';
import { standingOf } from './standing';
import { useRulesTexts } from './texts';
import { type RuleAt, useRule } from './use-rule';

const views = ['yaml', 'changes', 'form', 'history', 'acts'] as const;
type View = (typeof views)[number];

/** The list of objects, and one of them open beside it. */
export function RulePage() {
  const t = useRulesTexts();
  const { kind, namespace, name } = useParams({ strict: false }) as unknown as RuleAt;
  const at = useMemo(() => ({ kind, namespace, name }), [kind, namespace, name]);
  return (
    <div className="page">
      <PageHead
        title={
          <Link to="/rules" className="ru-title">
            {t('title')}
          </Link>
        }
        facts={<Facts />}
        actions={<Begin />}
      />
      <div className="ru-split">
        <div className="ru-l">
          <ObjectsList compact selected={at} />
        </div>
        <Rule key={`${kind}/${namespace}/${name}`} at={at} />
      </div>
    </div>
  );
}

function Rule({ at }: { at: RuleAt }) {
  const t = useRulesTexts();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as { view?: string; at?: string };
  // A field in the address is where a link led to; who has looked around since is not led there again.
  const show = (next: View) =>
    void navigate({
      to: '.',
      search: (old: object) => ({ ...old, view: next === 'yaml' ? undefined : next, at: undefined }),
      replace: true,
    });
  const now = useNow();
  const rule = useRule(at);
  const [previewing, setPreviewing] = useState(false);
  // What a fix changes besides this object.
  const [beside, setBeside] = useState<PreviewEntry>();
  const [deleting, setDeleting] = useState(false);
  const [written, setWritten] = useState<HistoryChange>();
  const kind = kindName(at.kind);
  const name = fullName({ kind, namespace: at.namespace === '_' ? '' : at.namespace, name: at.name });
  const manifests = useMemo(() => [{ file: name, text: rule.text }], [name, rule.text]);
  const check = useCheck(manifests);
  const { saved, live, text, edited, etag } = rule;
  const ref = saved?.ref;
  const may = useMayWrite()(ref ? [ref] : []);
  const hasForm = may && kind === 'VirtualService' && (live?.services ?? []).length > 0;
  const shown = views.filter((v) => v !== 'form' || hasForm);
  const view: View = shown.find((v) => v === search.view) ?? 'yaml';

  // Where the link leads to: told once, so that typing does not move the cursor.
  const field = search.at;
  const begun = useRef(text);
  begun.current = text;
  const there = saved !== undefined;
  const focusAt = useMemo(() => (field && there ? fieldOffset(begun.current, field) : undefined), [field, there]);

  const entries = useMemo(
    (): PreviewEntry[] =>
      ref && previewing ? [...(beside ? [beside] : []), ...(beside && !edited ? [] : [{ ref, etag, yaml: text }])] : [],
    [ref, etag, text, edited, previewing, beside],
  );
  if (rule.query.isPending) {
    return (
      <section className="ru-r" aria-label={name}>
        <Loading lines={10} />
      </section>
    );
  }
  if (!saved || !ref) {
    const problem = asProblem(rule.query.error);
    return (
      <section className="ru-r" aria-label={name}>
        <h2 className="vh">{name}</h2>
        {problem.status === 404 ? (
          <Empty title={t('gone.title', { name })}>{t('gone.text')}</Empty>
        ) : (
          <Failed title={t('rule.failed')} error={problem} retry={() => void rule.query.refetch()} />
        )}
      </section>
    );
  }
  const standing = standingOf({
    checking: check.checking,
    edited,
    findings: check.answer?.findings ?? [],
    documents: check.answer?.documents ?? [],
    at,
  });
  const edit = (next: string) => {
    // The editor also tells of texts that came from here.
    if (next !== text) {
      setWritten(undefined);
      rule.edit(next);
    }
  };
  const closePreview = () => {
    setPreviewing(false);
    setBeside(undefined);
  };
  const lines = edited ? diffLines(saved.yaml, text, 0).map((l) => l.kind) : [];
  const differing = Math.max(lines.filter((k) => k === 'added').length, lines.filter((k) => k === 'removed').length);
  const services = live?.services ?? [];

  return (
    <section className="ru-r" aria-label={name}>
      <div className="ru-h1">
        <KindGlyph kind={kind} size={15} />
        <h2>
          {kind} <b>{ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name}</b>
        </h2>
        {edited && (
          <Label isCompact color="orange" variant="outline">
            {t('edited')}
          </Label>
        )}
        <span className="fill" />
        {saved.yaml !== '' && (
          <Button
            variant="plain"
            size="sm"
            icon={<HistoryIcon size={14} strokeWidth={1.7} aria-hidden />}
            onClick={() => show('history')}
          >
            {t('view.history')}
          </Button>
        )}
        {may && (
          <Button
            variant="plain"
            size="sm"
            icon={<Trash2 size={14} strokeWidth={1.7} aria-hidden />}
            onClick={() => setDeleting(true)}
          >
            {t('delete.action')}
          </Button>
        )}
      </div>
      <Tabs activeKey={view} onSelect={(_, key) => show(key as View)} aria-label={t('views')} className="ru-t">
        {shown.map((v) => (
          <Tab
            key={v}
            eventKey={v}
            tabContentId="rule-view"
            title={
              <TabTitleText>
                {t(`view.${v}`)}
                {v === 'changes' && differing > 0 && <span className="cnt">{differing}</span>}
                {v === 'acts' && services.length > 0 && <span className="cnt">{services.length}</span>}
              </TabTitleText>
            }
          />
        ))}
      </Tabs>
      {rule.gone && (
        <Banner tone="degraded" lead={t('deleted')}>
          {edited && t('deleted.text')}
        </Banner>
      )}
      {!rule.gone && <Rejected object={ref} />}
      {rule.overtaken && (
        <Banner
          tone="degraded"
          lead={
            live?.changed?.actor
              ? t('overtaken.by', { actor: live.changed.actor, age: age(live.changed.at, now, t.language) })
              : t('overtaken')
          }
          action={
            may && (
              <Button variant="link" size="sm" isInline onClick={() => setPreviewing(true)}>
                {t('overtaken.compare')}
              </Button>
            )
          }
        >
          {t('overtaken.text')}
        </Banner>
      )}
      {written && !rule.gone && (
        <Banner
          tone="plain"
          lead={t('written')}
          action={<Link to={changeAddress(written.id)}>{t('written.follow')}</Link>}
        >
          {t('written.text')}
        </Banner>
      )}
      <div id="rule-view" role="tabpanel" aria-label={t(`view.${view}`)} className="ru-v">
        {view === 'yaml' && (
          <Editor
            label={t('yaml.label', { name })}
            kind={at.kind}
            text={text}
            saved={saved.yaml}
            onChange={may ? edit : undefined}
            check={check}
            onEntry={(entry) => {
              setBeside(entry);
              setPreviewing(true);
            }}
            focusAt={focusAt}
            takeFocus
          />
        )}
        {view === 'changes' && (
          <div className="ru-pad">
            <Diff before={saved.yaml} after={text} label={t('changes.label', { name })} />
          </div>
        )}
        {view === 'form' && <FormLinks object={ref} services={services} edited={edited} />}
        {view === 'history' && <History at={at} etag={saved.etag} text={text} onRestore={may ? edit : undefined} />}
        {view === 'acts' && live && (
          <div className="ru-pad">
            {services.length > 0 && live.scope === 'services' ? (
              <ul className="ru-acts">
                {services.map((s) => {
                  const [namespace, service = ''] = s.split('/');
                  return (
                    <li key={s}>
                      <Link to={serviceAddress({ namespace, name: service })}>{s}</Link>
                    </li>
                  );
                })}
              </ul>
            ) : (
              <p>
                <ActsOn object={live} />
              </p>
            )}
            {(live.hosts?.length ?? 0) > 0 && (
              <>
                <h3>{t('acts.hosts')}</h3>
                <ul className="ru-acts">
                  {live.hosts?.map((host) => (
                    <li key={host} className="mono">
                      {host}
                    </li>
                  ))}
                </ul>
              </>
            )}
          </div>
        )}
      </div>
      {may ? (
        <EditorFoot
          text={text}
          onText={edit}
          check={check}
          standing={standing}
          onPreview={() => setPreviewing(true)}
          onRevert={edited ? rule.revert : undefined}
        />
      ) : (
        <div className="ru-f">
          <NoRights role={roleToWrite([ref])} />
        </div>
      )}
      {previewing && (
        <PreviewDrawer
          entries={entries}
          onMerged={(merged) => {
            const own = merged.find((entry) => isNamed(entry.ref, at));
            if (own?.yaml !== undefined) {
              rule.rebase(own.yaml, own.etag ?? '');
            }
            setBeside(merged.find((entry) => entry !== own));
          }}
          onApplied={(change) => {
            closePreview();
            setWritten(change);
            // The text stays until it is read back, so that the editor never shows the former one.
            void rule.query.refetch().then(rule.revert);
          }}
          onClose={closePreview}
        />
      )}
      {deleting && (
        <DeleteRule
          target={ref}
          etag={saved.etag}
          onClose={() => setDeleting(false)}
          onDeleted={(change) => {
            rule.revert();
            // Nothing is left here: the change is where the deletion is seen to arrive, and taken back.
            void navigate(change ? { to: changeAddress(change.id) } : { to: '/rules', search: (old: object) => old });
          }}
        />
      )}
    </section>
  );
}
