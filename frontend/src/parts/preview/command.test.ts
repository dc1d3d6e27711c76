import { expect, test } from 'vitest';
import { applyCommand } from './command';

const ref = { kind: 'VirtualService', namespace: 'bookinfo', name: 'reviews' };

test('what is written is a here document, several are one', () => {
  expect(applyCommand([{ ref, after: 'a: 1\n' }])).toBe("heddle apply -f - <<'EOF'\na: 1\nEOF");
  expect(
    applyCommand([
      { ref, after: 'a: 1' },
      { ref, before: 'b: 0\n', after: 'b: 1\n' },
    ]),
  ).toBe("heddle apply -f - <<'EOF'\na: 1\n---\nb: 1\nEOF");
});

test('the end of the document is a line that the text does not have', () => {
  expect(applyCommand([{ ref, after: 'a: |\n  x\nEOF\n' }])).toMatch(/<<'EOF_'[\s\S]*\nEOF_$/);
});

test('what goes away is deleted by name', () => {
  expect(applyCommand([{ ref, before: 'a: 1\n' }])).toBe('heddle delete virtualservice reviews -n bookinfo');
});
