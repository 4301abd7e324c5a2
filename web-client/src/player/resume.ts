/** Where each film was left, for the last few of them. */
import { readPreference, writePreference } from '../store/preferences';

const KEPT = 20;
const EARLY_S = 15;

type Places = [id: string, seconds: number][];

export function parsePlaces(text: string | null): Places {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    if (!Array.isArray(value)) return [];
    return value.filter((one): one is [string, number] => Array.isArray(one) && typeof one[0] === 'string'
      && typeof one[1] === 'number' && Number.isFinite(one[1])).slice(0, KEPT);
  } catch {
    return [];
  }
}

/** The list with this film's place first; a film that has hardly begun or is nearly over has none. */
export function putPlace(places: Places, id: string, seconds: number, length: number): Places {
  const others = places.filter(([other]) => other !== id);
  const isWorth = seconds > EARLY_S && (length === 0 || seconds < length - EARLY_S);
  return (isWorth ? [[id, Math.floor(seconds)] as [string, number], ...others] : others).slice(0, KEPT);
}

export function placeOf(id: string): number {
  return parsePlaces(readPreference('places')).find(([other]) => other === id)?.[1] ?? 0;
}

export function keepPlace(id: string, seconds: number, length: number): void {
  writePreference('places', JSON.stringify(putPlace(parsePlaces(readPreference('places')), id, seconds, length)));
}
