import { readFileSync } from 'node:fs';
import { screen, within } from '@testing-library/react';
import ts from 'typescript';
import { afterEach, expect, test, vi } from 'vitest';
import openapi from '../../openapi.json';
import * as sdk from '../api/generated/sdk.gen';
import { Problem } from '../api/problem';
import { ChangeSetPage } from '../features/changes/change-set-page';
import { SettingsPage } from '../features/settings/settings-page';
import { TracePage } from '../features/traces/trace-page';
import { TracesPage } from '../features/traces/traces-page';
import { type Fixture, fixture, fixtures, recorded } from './contract';
import { fakeLive } from './live';
import { fakeApi, renderPage, signedIn } from './render';

afterEach(() => vi.unstubAllGlobals());

const camel = (words: string) => words.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
const pascal = (words: string) => camel(`-${words}`);

/** The path of an operation with its parameters, such as /api/v1/users/{name}. */
function template(operation: string): string {
  const found = Object.entries(openapi.paths).find(([, methods]) =>
    Object.values(methods).some((o: { operationId?: string }) => o.operationId === operation),
  );
  return found?.[0] ?? '';
}

/** What the client is given for a request: parameters of the path, of the search, and the body. */
function parametersOf({ operation, request }: Fixture) {
  const url = new URL(request.path, 'http://console');
  const values = url.pathname.split('/').map(decodeURIComponent);
  const path: Record<string, string> = {};
  template(operation)
    .split('/')
    .forEach((part, i) => {
      if (part.startsWith('{')) {
        path[part.slice(1, -1)] = values[i] ?? '';
      }
    });
  return { path, query: Object.fromEntries(url.searchParams), body: request.body, headers: request.headers };
}

type Call = (options: unknown) => Promise<{ data: unknown }>;

test.each(fixtures.map((f) => [f.name, f] as const))('%s passes through the client', async (_, f) => {
  signedIn('operator');
  let asked: Request | undefined;
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    asked = new Request(url, init);
    return new Response(f.body === undefined ? null : JSON.stringify(f.body), { status: f.status, headers: f.headers });
  });
  const calls = sdk as unknown as Record<string, Call>;
  // A name that JavaScript keeps for itself gets a line behind it.
  const call = calls[camel(f.operation)] ?? calls[`${camel(f.operation)}_`];
  const answer = await call?.(parametersOf(f)).catch((problem: unknown) => problem);
  expect(asked?.method).toBe(f.request.method);
  expect(new URL(asked?.url ?? '').pathname).toBe(f.request.path.split('?')[0]);
  expect(Object.fromEntries(new URL(asked?.url ?? '').searchParams)).toEqual(parametersOf(f).query);
  if (f.status < 300) {
    expect((answer as { data: unknown }).data ?? undefined).toEqual(f.body);
    return;
  }
  expect(answer).toBeInstanceOf(Problem);
  const problem = answer as Problem;
  expect(problem.status).toBe(f.status);
  expect(problem.body).toMatchObject(f.body ?? {});
  expect(problem.retryAfter).toBe(f.headers?.['Retry-After'] ? 1 : undefined);
});

test('each answer is of the type that the client promises', () => {
  const types = 'src/api/generated/types.gen.ts';
  const lines = fixtures.flatMap((f, i) => {
    const promised =
      f.status < 300 ? `${pascal(f.operation)}Responses[${f.status}]` : `${pascal(f.operation)}Errors['default']`;
    const asked = f.status < 300 && f.request.body !== undefined;
    return [
      ...(f.body === undefined
        ? []
        : [`export const answer${i}: T.${promised} = ${JSON.stringify(f.body)}; // ${f.name}`]),
      ...(asked
        ? [
            `export const body${i}: T.${pascal(f.operation)}Data['body'] = ${JSON.stringify(f.request.body)}; // ${f.name}`,
          ]
        : []),
    ];
  });
  const source = ["import type * as T from './types.gen';", ...lines].join('\n');
  const name = types.replace('types.gen', 'contract');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  };
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([name], options, {
    ...host,
    fileExists: (file) => file.endsWith(name) || host.fileExists(file),
    readFile: (file) => (file.endsWith(name) ? source : readFileSync(file, 'utf8')),
    getSourceFile: (file, version) =>
      file.endsWith(name) ? ts.createSourceFile(file, source, version) : host.getSourceFile(file, version),
  });
  const wrong = ts.getPreEmitDiagnostics(program).map((d) => {
    const line = d.file?.getLineAndCharacterOfPosition(d.start ?? 0).line ?? 0;
    return `${source.split('\n')[line]?.replace(/^.* \/\/ /, '')}: ${ts.flattenDiagnosticMessageText(d.messageText, ' ')}`;
  });
  expect(wrong).toEqual([]);
});

test('users as the administrator sees them', async () => {
  signedIn('admin', 'admin');
  fakeApi(recorded('users'));
  renderPage(SettingsPage, { path: '/settings', at: '/settings?tab=users' });
  const table = await screen.findByRole('grid');
  for (const { name } of fixture('users').body as { name: string }[]) {
    expect(within(table).getByText(name)).toBeDefined();
  }
});

test('a change of weights, with its text', async () => {
  signedIn('operator', 'olga');
  fakeLive();
  fakeApi(recorded('change'));
  renderPage(ChangeSetPage, { path: '/changes/$id', at: '/changes/2' });
  expect(await screen.findByText('VirtualService reviews: v2 0 → 30 %, v1 100 → 70 %')).toBeDefined();
});

test('a trace in the list and by itself', async () => {
  signedIn('viewer');
  fakeApi({
    ...recorded('traces', 'trace'),
    'GET /api/v1/traces/services': ['productpage.default', 'reviews.default'],
  });
  const list = renderPage(TracesPage, { path: '/traces' });
  expect(await screen.findByText('1 with errors')).toBeDefined();
  list.unmount();
  const { request } = fixture('trace');
  renderPage(TracePage, { path: '/traces/$id', at: request.path.replace('/api/v1', '') });
  expect((await screen.findAllByText(/reviews/)).length).toBeGreaterThan(1);
});
