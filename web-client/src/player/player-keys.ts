/** What a key means on the watch page; null: nothing of ours. */
export type PlayerCommand =
  | 'play' | 'back' | 'forward' | 'louder' | 'quieter' | 'mute' | 'captions' | 'full-screen' | 'slower' | 'faster' | 'help'
  | 'chapter-before' | 'chapter-after';

export function commandOfKey(key: string): PlayerCommand | null {
  switch (key.length === 1 ? key.toLowerCase() : key) {
    case ' ':
    case 'k': return 'play';
    case 'j':
    case 'ArrowLeft': return 'back';
    case 'l':
    case 'ArrowRight': return 'forward';
    case 'ArrowUp': return 'louder';
    case 'ArrowDown': return 'quieter';
    case 'm': return 'mute';
    case 'c': return 'captions';
    case 'f': return 'full-screen';
    case 'u': return 'slower';
    case 'o': return 'faster';
    case 'n': return 'chapter-after';
    case 'p': return 'chapter-before';
    case '?': return 'help';
    default: return null;
  }
}

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2] as const;

/** The next speed down (-1) or up (+1), staying inside the list. */
export function stepSpeed(now: number, step: -1 | 1): number {
  const index = SPEEDS.findIndex((speed) => speed >= now);
  const from = index < 0 ? SPEEDS.length - 1 : index;
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, from + step))] ?? 1;
}
