/** What the browser remembers between visits. Storage may be refused (private windows): then nothing is kept. */
const PREFIX = 'manabi.';

export type PreferenceName =
  | 'language'
  | 'name'
  | 'affiliation'
  | 'consent'
  | 'microphone'
  | 'camera'
  | 'speaker'
  | 'start-with-microphone'
  | 'start-with-camera'
  | 'layout'
  | 'picture-mode'
  | 'limit-kbit'
  | 'announce-chat'
  | 'floor-level'
  | 'hear'
  | 'room-captions'
  | 'single-keys'
  | 'volume'
  | 'speed'
  | 'quality'
  | 'captions'
  | 'sound'
  | 'places'
  | 'upload-city';

export function readPreference(name: PreferenceName): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function writePreference(name: PreferenceName, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // not remembered
  }
}

/** Kept for this tab only: gone when it closes. Used for tokens, which never go to localStorage. */
export function readTabValue(name: string): string | null {
  try {
    return sessionStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function writeTabValue(name: string, value: string | null): void {
  try {
    if (value === null) sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, value);
  } catch {
    // not remembered
  }
}
