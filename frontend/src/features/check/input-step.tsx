import { Button, SearchInput } from '@patternfly/react-core';
import { FileUp, X } from 'lucide-react';
import { type DragEvent, useRef, useState } from 'react';
import type { LiveObject, Manifest, Object as MeshObject } from '../../api/generated/types.gen';
import { useSelected, useTopic } from '../../api/live/use-live';
import { asProblem, type Problem } from '../../api/problem';
import { path, request } from '../../api/request';
import { addressOf, apiKind, fullName } from '../../lib/kinds';
import { Code } from '../../ui/code/code';
import { Sheet } from '../../ui/page';
import { useProblemWords } from '../../ui/problem-words';
import { Banner } from '../../ui/states';
import { addFiles, pastedName, refKey, takeFiles } from './files';
import { useCheckTexts } from './texts';

const mostBytes = 4 << 20;

const sorted = (objects: ReadonlyMap<string, LiveObject>): LiveObject[] =>
  [...objects.values()].sort((a, b) => fullName(a.ref).localeCompare(fullName(b.ref)));

/** What is to be checked: pasted text, files, or objects of the mesh. */
export function InputStep({ files, onFiles }: { files: readonly Manifest[]; onFiles: (files: Manifest[]) => void }) {
  const t = useCheckTexts();
  const [problem, setProblem] = useState<string>();
  const text = files.find((f) => f.file === pastedName)?.text ?? '';
  const others = files.filter((f) => f.file !== pastedName);
  const paste = (next: string) =>
    onFiles(next.trim() === '' ? [...others] : addFiles(others, [{ file: pastedName, text: next }]));
  const take = async (list: FileList | null) => {
    setProblem(undefined);
    const picked = [...(list ?? [])];
    const large = picked.find((f) => f.size > mostBytes);
    if (large) {
      setProblem(t('input.large', { name: large.name }));
      return;
    }
    const read = picked.map(async (f) => ({ file: f.webkitRelativePath || f.name, text: await f.text() }));
    onFiles(takeFiles(files, await Promise.all(read)));
  };
  return (
    <div className="ck-in">
      <Sheet title={t('input.paste')} facts={t('input.paste.facts')} className="ck-paste">
        <div className="ck-code">
          <Code label={t('input.paste')} value={text} onChange={paste} />
        </div>
      </Sheet>
      <div className="ck-in-r">
        <Sheet title={t('input.files')}>
          <DropZone onTake={(list) => void take(list)} />
          {problem && (
            <div role="alert" className="ck-pad">
              <Banner tone="failing">{problem}</Banner>
            </div>
          )}
          {others.length > 0 && (
            <ul className="ck-files">
              {others.map((f) => (
                <li key={f.file}>
                  <span className="mono">{f.file}</span>
                  <Button
                    variant="plain"
                    size="sm"
                    aria-label={t('input.remove', { name: f.file })}
                    icon={<X size={14} strokeWidth={1.7} aria-hidden />}
                    onClick={() => onFiles(files.filter((other) => other !== f))}
                  />
                </li>
              ))}
            </ul>
          )}
        </Sheet>
        <Existing files={files} onFiles={onFiles} />
      </div>
    </div>
  );
}

function DropZone({ onTake }: { onTake: (files: FileList | null) => void }) {
  const t = useCheckTexts();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onTake(event.dataTransfer.files);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is for the mouse; the button inside does the same
    <div
      className={`ck-drop${over ? ' is-over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <p>{t('input.drop')}</p>
      <input
        ref={input}
        type="file"
        multiple
        accept=".yaml,.yml,.json,.txt"
        className="vh"
        tabIndex={-1}
        aria-label={t('input.choose')}
        onChange={(event) => {
          onTake(event.target.files);
          event.target.value = '';
        }}
      />
      <Button
        variant="secondary"
        icon={<FileUp size={14} strokeWidth={1.7} aria-hidden />}
        onClick={() => input.current?.click()}
      >
        {t('input.choose')}
      </Button>
    </div>
  );
}

function Existing({ files, onFiles }: { files: readonly Manifest[]; onFiles: (files: Manifest[]) => void }) {
  const t = useCheckTexts();
  const words = useProblemWords();
  const [q, setQ] = useState('');
  const [problem, setProblem] = useState<Problem>();
  const objects = useSelected(useTopic('objects'), sorted);
  const shown = objects.filter((o) => fullName(o.ref).toLowerCase().includes(q.toLowerCase()));
  const toggle = async (object: LiveObject, on: boolean) => {
    const name = fullName(object.ref);
    if (!on) {
      onFiles(files.filter((f) => f.file !== name));
      return;
    }
    setProblem(undefined);
    try {
      const at = addressOf(object.ref);
      const found = await request<MeshObject>(path`/api/v1/config/${apiKind(at.kind)}/${at.namespace}/${at.name}`);
      onFiles(addFiles(files, [{ file: name, text: found.yaml }]));
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <Sheet title={t('input.existing')} facts={t('input.existing.facts', { count: objects.length })}>
      <div className="ck-pad">
        <SearchInput
          aria-label={t('input.find')}
          placeholder={t('input.find')}
          value={q}
          onChange={(_, v) => setQ(v)}
          onClear={() => setQ('')}
        />
      </div>
      {problem && (
        <div role="alert" className="ck-pad">
          <Banner tone="failing">{words(problem)}</Banner>
        </div>
      )}
      <ul className="ck-objects">
        {shown.map((o) => (
          <li key={refKey(o.ref)}>
            <label>
              <input
                type="checkbox"
                checked={files.some((f) => f.file === fullName(o.ref))}
                onChange={(event) => void toggle(o, event.target.checked)}
              />
              <span>
                {o.ref.kind} <b>{o.ref.namespace ? `${o.ref.namespace}/${o.ref.name}` : o.ref.name}</b>
              </span>
            </label>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}
