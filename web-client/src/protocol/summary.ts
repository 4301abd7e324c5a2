/** GET /api/v1/sessions/{session}/summary; apart from api.ts, which every screen loads. */
import { call } from './api';
import { decodePoll, type Poll } from './classroom';
import { knownItems, localUrl, number, object, string, withDefault, type Decoder } from './decode';

/** What is left of a session, for who may host it. */
export interface SessionSummary {
  people: { total: number; peak: number; by_role: Partial<Record<string, number>> };
  chat: number;
  hands: number;
  questions: { total: number; answered: number };
  polls: Poll[];
  files: { name: string; path: string }[];
}

const countsByName: Decoder<Partial<Record<string, number>>> = (value, path) => {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, count]) => [name, number(count, `${path}.${name}`)]));
};

const decodeSummary = object<SessionSummary>({
  people: object({ total: withDefault(number, 0), peak: withDefault(number, 0), by_role: countsByName }),
  chat: withDefault(number, 0),
  hands: withDefault(number, 0),
  questions: object({ total: withDefault(number, 0), answered: withDefault(number, 0) }),
  polls: withDefault(knownItems(decodePoll), []),
  files: withDefault(knownItems(object<{ name: string; path: string }>({ name: string, path: localUrl })), []),
});

export function loadSummary(signal: AbortSignal, session: string, token: string): Promise<SessionSummary> {
  return call(`/sessions/${encodeURIComponent(session)}/summary`, signal, { token, decode: decodeSummary });
}
