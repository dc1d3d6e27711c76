/** An error of the API (application/problem+json), or the reason why there was no answer. */
export class Problem extends Error {
  override readonly name = 'Problem';
  /** HTTP status; 0 when the server did not answer. */
  readonly status: number;
  /** Stable word of the kind of problem, where the server names one. */
  readonly code: string | undefined;
  readonly title: string;
  readonly detail: string;
  /** What else the problem carries: findings, conflicts, forceable. */
  readonly body: Record<string, unknown>;
  /** Seconds after which to try again, from Retry-After. */
  readonly retryAfter: number | undefined;

  constructor(status: number, body: Record<string, unknown>, retryAfter?: number) {
    const title = typeof body.title === 'string' ? body.title : `HTTP ${status}`;
    const detail = typeof body.detail === 'string' ? body.detail : '';
    super(detail ? `${title}: ${detail}` : title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.code = typeof body.code === 'string' ? body.code : undefined;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** What its words are about. */
  get params(): Record<string, unknown> {
    const { params } = this.body;
    return typeof params === 'object' && params !== null ? (params as Record<string, unknown>) : {};
  }

  /** The errors of single fields: where, and what is wrong there. */
  get fields(): { location: string; message: string }[] {
    const errors = Array.isArray(this.body.errors) ? (this.body.errors as Record<string, unknown>[]) : [];
    return errors.map((e) => ({ location: String(e.location ?? ''), message: String(e.message ?? '') }));
  }
}

/** Makes a Problem of an answer that is not one of success; what is no JSON becomes its detail. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '');
  return fromText(response, text);
}

export function fromText(response: Response, text: string): Problem {
  let body: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    body = typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : { detail: text };
  } catch {
    body = { title: response.statusText || `HTTP ${response.status}`, detail: text.slice(0, 300) };
  }
  const after = Number(response.headers.get('Retry-After'));
  return new Problem(response.status, body, Number.isFinite(after) && after > 0 ? after : undefined);
}

/** What went wrong, whatever was thrown. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) {
    return error;
  }
  return new Problem(0, {
    title: 'The server does not answer',
    detail: error instanceof Error ? error.message : String(error),
  });
}
