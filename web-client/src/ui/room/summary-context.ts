import { createContext } from 'preact';

/** Which session the summary after the room is about, and the facilitator's link that opens it. */
export const SummaryContext = createContext<{ session: string; token: string } | null>(null);
