import type { PreviewText } from '../../api/generated/types.gen';

const quoted = (word: string) => (/^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/**
 * The commands that make the same change from a shell: what is written goes to `heddle apply`
 * as a here document, what goes away to `heddle delete`.
 */
export function applyCommand(written: readonly PreviewText[]): string {
  const documents = written.flatMap((w) => (w.after ? [`${w.after.replace(/\n+$/, '')}\n`] : []));
  const gone = written.filter((w) => !w.after && w.before);
  const commands: string[] = [];
  if (documents.length > 0) {
    const text = documents.join('---\n');
    let end = 'EOF';
    while (text.split('\n').includes(end)) {
      end += '_';
    }
    commands.push(`heddle apply -f - <<'${end}'\n${text}${end}`);
  }
  for (const { ref } of gone) {
    const where = ref.namespace ? ` -n ${quoted(ref.namespace)}` : '';
    commands.push(`heddle delete ${quoted(ref.kind.toLowerCase())} ${quoted(ref.name)}${where}`);
  }
  return commands.join('\n');
}
