/** One way to the server: tenant header, cancellation, and errors that say what happened. */

import { object, text, type Json } from './decode';
import { connection } from '../state/connection';

export class ApiError extends Error {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The server's own words. */
  readonly serverText: string;
  readonly requestId: string;

  constructor(message: string, status: number, serverText: string, requestId: string) {
    super(message);
    this.status = status;
    this.serverText = serverText;
    this.requestId = requestId;
  }
}

let ownTenant = '';

/** The tenant the server names for a reader who picked none; set once, before the page is drawn. */
export function setOwnTenant(tenant: string): void {
  ownTenant = tenant;
}

/** The tenant the reader picked, in the address bar; else the one the server names. */
export function pickedTenant(): string {
  const query = new URLSearchParams(window.location.search);
  return query.get('tenant') ?? ownTenant;
}

export type Params = Record<string, string | number | readonly string[] | undefined | null>;

export function queryString(params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null || value === '') continue;
    if (typeof value === 'object') value.forEach((each) => query.append(name, each));
    else query.append(name, String(value));
  }
  return query.toString();
}

interface CallOptions {
  method?: 'GET' | 'POST' | 'DELETE' | 'PUT';
  params?: Params;
  /** Sent as a form, for queries too long for an address. */
  form?: Params;
  json?: unknown;
  signal?: AbortSignal | undefined;
}

export function headers(): Record<string, string> {
  const tenant = pickedTenant();
  return tenant === '' ? {} : { 'X-Scope-OrgID': tenant };
}

/** Performs the call and gives the parsed body; null for an empty one. */
export async function call(path: string, options: CallOptions = {}): Promise<unknown> {
  const query = options.params === undefined ? '' : queryString(options.params);
  const sent = headers();
  let body: string | undefined;
  if (options.form !== undefined) {
    body = queryString(options.form);
    sent['Content-Type'] = 'application/x-www-form-urlencoded';
  } else if (options.json !== undefined) {
    body = JSON.stringify(options.json);
    sent['Content-Type'] = 'application/json';
  }
  let answer: Response;
  try {
    answer = await fetch(query === '' ? path : `${path}?${query}`, {
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: sent,
      ...(body === undefined ? {} : { body }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === 'AbortError') throw problem;
    connection.lost();
    throw new ApiError('The server does not answer.', 0, problem instanceof Error ? problem.message : '', '');
  }
  connection.heard();
  const raw = await answer.text();
  const requestId = answer.headers.get('X-Request-Id') ?? '';
  let parsed: unknown = null;
  if (raw !== '') {
    try {
      parsed = JSON.parse(raw);
    } catch {
      if (answer.ok) throw new ApiError(`The answer of ${path} is no JSON.`, answer.status, raw.slice(0, 2_000), requestId);
    }
  }
  if (!answer.ok) throw new ApiError(sentence(answer.status, path), answer.status, serverWords(parsed, raw), requestId);
  return parsed;
}

function serverWords(parsed: unknown, raw: string): string {
  if (typeof parsed === 'string') return parsed;
  const body = object(parsed);
  for (const name of ['error', 'message', 'detail', 'title']) {
    const words = text(body[name]);
    if (words !== '') return words;
  }
  // An HTML page says nothing that helps here.
  return raw.trimStart().startsWith('<') ? '' : raw.slice(0, 4_000).trim();
}

function sentence(status: number, path: string): string {
  switch (status) {
    case 400:
    case 422:
      return 'The server did not accept the request.';
    case 401:
      return 'You are not signed in, or the sign-in has ended.';
    case 403:
      return 'Your account may not do this.';
    case 404:
      return `This server has no ${path.split('?')[0]}.`;
    case 408:
    case 504:
      return 'The server took too long and gave up.';
    case 429:
      return 'A limit of this tenant stopped the request.';
    default:
      return status >= 500 ? `The server failed (${status}).` : `The server refused (${status}).`;
  }
}

/** The `data` of a Prometheus or Loki answer, with its warnings. */
export async function callData(path: string, options: CallOptions = {}): Promise<{ data: Json; raw: unknown; warnings: string[] }> {
  const body = object(await call(path, options));
  if (body['status'] !== 'success') throw new ApiError('The server did not accept the request.', 200, text(body['error'], 'no success status in the answer'), '');
  const notes = [...(Array.isArray(body['warnings']) ? body['warnings'] : []), ...(Array.isArray(body['infos']) ? body['infos'] : [])];
  return { data: object(body['data']), raw: body['data'], warnings: notes.map((each) => text(each)) };
}
