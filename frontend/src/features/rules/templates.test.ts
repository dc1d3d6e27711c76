import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { template, templateKinds } from './templates';

test.each(templateKinds)('$kind is an object of its kind', ({ group, kind }) => {
  const text = template(kind, 'shop', 'reviews') ?? '';
  const object = parse(text) as { apiVersion: string; kind: string; metadata: object; spec: object };
  expect(object.apiVersion.split('/')[0]).toBe(group);
  expect(object.kind).toBe(kind);
  expect(object.metadata).toEqual({ name: 'reviews', namespace: 'shop' });
  expect(Object.keys(object.spec).length).toBeGreaterThan(0);
  expect(text).not.toContain('NAME');
});

test('no template', () => expect(template('Pod', 'shop', 'a')).toBeUndefined());
