/** Who is signed in, and which role link this tab holds. */
import { signal } from '@preact/signals';
import { api } from '../protocol/api';
import type { Role, User } from '../protocol/objects';
import { ROLES } from '../protocol/objects';
import { readTabValue, writeTabValue } from './preferences';

/** undefined: not asked yet. */
export const user = signal<User | null | undefined>(undefined);

export async function loadUser(abort: AbortSignal): Promise<void> {
  try {
    user.value = (await api.me(abort)).user;
  } catch {
    if (!abort.aborted) user.value = null;
  }
}

export async function signOut(abort: AbortSignal): Promise<void> {
  await api.signOut(abort);
  user.value = null;
}

/** The role link that brought this tab here. For this tab only: links are not kept on shared computers. */
export interface HeldLink {
  token: string;
  event: string;
  role: Role;
}

const NAME = 'role-link';

export function holdLink(link: HeldLink): void {
  writeTabValue(NAME, JSON.stringify(link));
}

export function heldLink(): HeldLink | null {
  const text = readTabValue(NAME);
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Partial<Record<keyof HeldLink, unknown>>;
    const role = ROLES.find((one) => one === value.role);
    if (typeof value.token !== 'string' || typeof value.event !== 'string' || role === undefined) return null;
    return { token: value.token, event: value.event, role };
  } catch {
    return null;
  }
}

/** The token to ask with about that event; null: none, or the cookie of a signed-in person serves. */
export function tokenFor(event: string): string | null {
  const link = heldLink();
  return link !== null && link.event === event ? link.token : null;
}

export const JOIN_TOKEN = 'join-token';
/** Of a feed's crew or camera. */
export const FEED_TOKEN = 'feed-token';
