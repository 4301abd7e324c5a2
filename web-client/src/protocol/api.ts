/** The HTTP API. Every call takes the caller's AbortSignal, returns a decoded object, or throws ApiError. */
import { DecodeError, type Decoder } from './decode';
import {
  decodeAreas, decodeCities, decodeEvent, decodeEvents, decodeInvitations, decodeJobs, decodeJoin, decodeLink, decodeLinks,
  decodeLineOffers, decodeMe, decodeRecording, decodeRecordings, decodeSession, decodeMoments, decodeTimeline,
  decodeUpload, decodeUploads,
  type EventFields, type LineOffers, type Role, type UploadDraft,
} from './objects';
import { decodeProducts } from './products';
import { decodeAudit, decodePublishing, decodeQuestions } from './publishing';
import { decodeCaptionsTaken, decodeCaptionTrack, decodeCaptionTracks } from './captions';

export interface FieldError {
  field: string;
  code: string;
}

/** `code` is the server's error code (RFC 9457), or one of ours: `network`, `bad-answer`, `server-error`. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: string,
    readonly fields: readonly FieldError[] = [],
    readonly retryAfterS: number | null = null,
  ) {
    super(`${code}: ${detail}`);
    this.name = 'ApiError';
  }
}

interface Call<T> {
  method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  body?: unknown;
  /** Instead of `body`: bytes as they are, with their type. */
  file?: { content: Blob | string; type: string };
  /** A role link's token; absent: the cookie decides. */
  token?: string | null | undefined;
  decode: Decoder<T>;
}

async function problemOf(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get('Retry-After') ?? NaN);
  let problem: unknown = null;
  try {
    problem = await response.json();
  } catch {
    // not JSON: a proxy's own error page
  }
  const fields = typeof problem === 'object' && problem !== null ? (problem as Record<string, unknown>) : {};
  const fallback = response.status >= 500 ? 'server-error'
    : response.status === 404 ? 'not-found'
    : response.status === 401 ? 'not-signed-in'
    : response.status === 403 ? 'not-allowed'
    : response.status === 429 ? 'too-many' : 'bad-answer';
  const errors = Array.isArray(fields.errors) ? fields.errors : [];
  return new ApiError(
    typeof fields.code === 'string' ? fields.code : fallback,
    response.status,
    typeof fields.detail === 'string' ? fields.detail : '',
    errors.flatMap((item: unknown) => {
      const error = item as { field?: unknown; code?: unknown } | null;
      return typeof error?.field === 'string' && typeof error.code === 'string'
        ? [{ field: error.field, code: error.code }] : [];
    }),
    Number.isFinite(retryAfter) ? retryAfter : null,
  );
}

async function send(path: string, signal: AbortSignal, options: Omit<Call<unknown>, 'decode'>, accept: string): Promise<Response> {
  const headers: Record<string, string> = { Accept: accept };
  if (options.token) headers.Authorization = `Bearer ${options.token}`;
  const method = options.method ?? 'GET';
  const init: RequestInit = { method, headers, signal, credentials: 'same-origin', cache: 'no-store' };
  if (options.file !== undefined) {
    headers['Content-Type'] = options.file.type;
    init.body = options.file.content;
  } else if (method === 'POST' || method === 'PATCH' || method === 'PUT') {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(options.body ?? {});
  }
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, init);
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError('network', 0, 'the server could not be reached');
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function call<T>(path: string, signal: AbortSignal, options: Call<T>): Promise<T> {
  const response = await send(path, signal, options, 'application/json');
  let body: unknown = null;
  if (response.status !== 204 && response.status !== 202) {
    try {
      body = await response.json();
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ApiError('bad-answer', response.status, 'the answer is not JSON');
    }
  }
  try {
    return options.decode(body, '');
  } catch (error) {
    if (error instanceof DecodeError) throw new ApiError('bad-answer', response.status, error.message);
    throw error;
  }
}

const nothing: Decoder<void> = () => undefined;

export interface RecordingQuery {
  q?: string;
  area?: string;
  city?: string;
  country?: string;
  language?: string;
  year?: string;
  kind?: string;
  length?: string;
  state?: string;
  page?: number;
  per_page?: number;
}

function queryString(fields: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields) as [string, string | number | undefined][]) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

const segment = encodeURIComponent;

const calendarPath = (event: string, language: string): string => `/events/${segment(event)}/calendar.ics${queryString({ language })}`;

export const api = {
  me: (signal: AbortSignal) => call('/me', signal, { decode: decodeMe }),
  signIn: (signal: AbortSignal, body: { user: string; password: string } | { token: string }) =>
    call('/sign-in', signal, { method: 'POST', body, decode: decodeMe }),
  signOut: (signal: AbortSignal) => call('/sign-out', signal, { method: 'POST', decode: nothing }),
  setPassword: (signal: AbortSignal, password: string) =>
    call('/password', signal, { method: 'POST', body: { password }, decode: nothing }),

  areas: (signal: AbortSignal) => call('/areas', signal, { decode: decodeAreas }),
  cities: (signal: AbortSignal) => call('/cities', signal, { decode: decodeCities }),

  events: (signal: AbortSignal, when: 'upcoming' | 'all') =>
    call(`/events?when=${when}`, signal, { decode: decodeEvents }),
  event: (signal: AbortSignal, id: string, token?: string | null) =>
    call(`/events/${segment(id)}`, signal, { token, decode: decodeEvent }),
  /** The event as an iCalendar file. With a role link's token the file holds that link. */
  calendarPath: (id: string, language: string) => `/api/v1${calendarPath(id, language)}`,
  calendar: async (signal: AbortSignal, id: string, language: string, token: string): Promise<Blob> => {
    const response = await send(calendarPath(id, language), signal, { token }, 'text/calendar');
    return response.blob();
  },
  createEvent: (signal: AbortSignal, body: EventFields) =>
    call('/events', signal, { method: 'POST', body, decode: decodeEvent }),
  changeEvent: (signal: AbortSignal, id: string, body: Partial<EventFields>, token?: string | null) =>
    call(`/events/${segment(id)}`, signal, { method: 'PATCH', body, token, decode: decodeEvent }),

  links: (signal: AbortSignal, event: string, token?: string | null) =>
    call(`/events/${segment(event)}/links`, signal, { token, decode: decodeLinks }),
  createLink: (
    signal: AbortSignal, event: string,
    body: { role: Role; label: string; expires_at: string | null }, token?: string | null,
  ) => call(`/events/${segment(event)}/links`, signal, { method: 'POST', body, token, decode: decodeLink }),
  invitations: (signal: AbortSignal, event: string, token?: string | null) =>
    call(`/events/${segment(event)}/invitations`, signal, { token, decode: decodeInvitations }),
  invite: (
    signal: AbortSignal, event: string,
    body: { role: Role; note: string; people: { name: string; address: string; language: string }[] }, token?: string | null,
  ) => call(`/events/${segment(event)}/invitations`, signal, { method: 'POST', body, token, decode: decodeInvitations }),
  revokeLink: (signal: AbortSignal, link: string, token?: string | null) =>
    call(`/links/${segment(link)}`, signal, { method: 'DELETE', token, decode: nothing }),

  join: (signal: AbortSignal, token: string) => call('/join', signal, { token, decode: decodeJoin }),
  checkLine: (signal: AbortSignal, token: string, body: LineOffers) =>
    call('/line-check', signal, { method: 'POST', token, body, decode: decodeLineOffers }),
  session: (signal: AbortSignal, id: string, token?: string | null) =>
    call(`/sessions/${segment(id)}`, signal, { token, decode: decodeSession }),

  recordings: (signal: AbortSignal, query: RecordingQuery) =>
    call(`/recordings${queryString(query)}`, signal, { decode: decodeRecordings }),
  recording: (signal: AbortSignal, id: string, token?: string | null) =>
    call(`/recordings/${segment(id)}`, signal, { token, decode: decodeRecording }),
  changeRecording: (signal: AbortSignal, id: string, body: object, token?: string | null) =>
    call(`/recordings/${segment(id)}`, signal, { method: 'PATCH', body, token, decode: decodeRecording }),
  moments: (signal: AbortSignal, id: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/moments`, signal, { token, decode: decodeMoments }),
  timeline: (signal: AbortSignal, id: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/timeline`, signal, { token, decode: decodeTimeline }),
  renderRecording: (signal: AbortSignal, id: string, publish: boolean, token?: string | null) =>
    call(`/recordings/${segment(id)}/render`, signal, { method: 'POST', body: { publish }, token, decode: decodeRecording }),
  cancelRecording: (signal: AbortSignal, id: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/cancel`, signal, { method: 'POST', token, decode: decodeRecording }),
  choosePoster: (signal: AbortSignal, id: string, poster: number, token?: string | null) =>
    call(`/recordings/${segment(id)}/poster`, signal, { method: 'POST', body: { number: poster }, token, decode: decodeRecording }),

  products: (signal: AbortSignal, id: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/products`, signal, { token, decode: decodeProducts }),
  addLink: (signal: AbortSignal, id: string, body: object, token?: string | null) =>
    call(`/recordings/${segment(id)}/products`, signal, { method: 'POST', body, token, decode: decodeProducts }),
  addDocument: (signal: AbortSignal, id: string, file: File, token?: string | null) =>
    call(`/recordings/${segment(id)}/products/documents?name=${encodeURIComponent(file.name)}`, signal,
      { method: 'POST', file: { content: file, type: 'application/pdf' }, token, decode: decodeProducts }),
  changeProduct: (signal: AbortSignal, id: string, product: string, body: object, token?: string | null) =>
    call(`/recordings/${segment(id)}/products/${segment(product)}`, signal, { method: 'PATCH', body, token, decode: decodeProducts }),
  removeProduct: (signal: AbortSignal, id: string, product: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/products/${segment(product)}`, signal, { method: 'DELETE', token, decode: decodeProducts }),
  publishing: (signal: AbortSignal, id: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/publishing`, signal, { token, decode: decodePublishing }),
  changePublishing: (signal: AbortSignal, id: string, body: object, token?: string | null) =>
    call(`/recordings/${segment(id)}/publishing`, signal, { method: 'POST', body, token, decode: decodePublishing }),
  questions: (signal: AbortSignal, id: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/questions`, signal, { token, decode: decodeQuestions }),
  askQuestion: (signal: AbortSignal, id: string, text: string, name: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/questions`, signal, { method: 'POST', body: { text, name }, token, decode: nothing }),
  answerQuestion: (signal: AbortSignal, id: string, question: string, body: object, token?: string | null) =>
    call(`/recordings/${segment(id)}/questions/${segment(question)}`, signal, { method: 'PATCH', body, token, decode: decodeQuestions }),
  audit: (signal: AbortSignal, before: number) =>
    call(`/audit${before > 0 ? `?before=${before}` : ''}`, signal, { decode: decodeAudit }),

  captionTracks: (signal: AbortSignal, id: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/captions`, signal, { token, decode: decodeCaptionTracks }),
  captionTrack: (signal: AbortSignal, id: string, language: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/captions/${segment(language)}`, signal, { token, decode: decodeCaptionTrack }),
  /** A file as it is, in the film's time; or what was edited, in the time of what was captured, over that revision. */
  putCaptions: (signal: AbortSignal, id: string, language: string, content: Blob | string, over: number | null, token?: string | null) =>
    call(`/recordings/${segment(id)}/captions/${segment(language)}${over === null ? '' : `?time=captured&revision=${over}`}`, signal,
      { method: 'PUT', file: { content, type: 'application/octet-stream' }, token, decode: decodeCaptionsTaken }),
  removeCaptions: (signal: AbortSignal, id: string, language: string, token?: string | null) =>
    call(`/recordings/${segment(id)}/captions/${segment(language)}`, signal, { method: 'DELETE', token, decode: nothing }),

  uploads: (signal: AbortSignal) => call('/uploads', signal, { decode: decodeUploads }),
  upload: (signal: AbortSignal, id: string) => call(`/uploads/${segment(id)}`, signal, { decode: decodeUpload }),
  keepDraft: (signal: AbortSignal, id: string, body: Partial<UploadDraft>) =>
    call(`/uploads/${segment(id)}`, signal, { method: 'PATCH', body, decode: decodeUpload }),
  submitUpload: (signal: AbortSignal, id: string) =>
    call(`/uploads/${segment(id)}/submit`, signal, { method: 'POST', decode: decodeUpload }),

  /** By tus: it has no other address. */
  endUpload: async (signal: AbortSignal, id: string): Promise<void> => {
    let response: Response;
    try {
      response = await fetch(`/uploads/${segment(id)}`, { method: 'DELETE', signal, headers: { 'Tus-Resumable': '1.0.0' } });
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ApiError('network', 0, 'the server could not be reached');
    }
    if (!response.ok && response.status !== 404) throw await problemOf(response);
  },

  jobs: (signal: AbortSignal) => call('/jobs', signal, { decode: decodeJobs }),
  cancelJob: (signal: AbortSignal, id: string) =>
    call(`/jobs/${segment(id)}/cancel`, signal, { method: 'POST', decode: nothing }),
  retryJob: (signal: AbortSignal, id: string) =>
    call(`/jobs/${segment(id)}/retry`, signal, { method: 'POST', decode: nothing }),
};
