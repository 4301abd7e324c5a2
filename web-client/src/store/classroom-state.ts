/** How the classroom's part of the room changes by one event of the log or one message beside it: plain values, no DOM. */
import type { Classroom, ClassroomEvent, ClassroomMessage, Poll, Question } from '../protocol/classroom';

export const CAPTIONS_KEPT = 100;

/** The event's change; `peer-role` and `muted-all` change people, not this. */
export function applyClassroomEvent(room: Classroom, event: ClassroomEvent): Partial<Classroom> {
  switch (event.type) {
    case 'lobby': return { lobby: event.lobby };
    case 'settings': return { settings: event.settings };
    case 'spotlight': return { spotlight: event.spotlight };
    case 'floor': return { floor: event.floor };
    case 'question': return { questions: withQuestion(room.questions, event.question) };
    case 'poll': return { polls: withItem(room.polls, event.poll) };
    case 'agenda': return { agenda: event.agenda };
    case 'note': return { note: event.note };
    case 'caption': return { captions: [...room.captions, event.caption].slice(-CAPTIONS_KEPT) };
    case 'slides': return { slides: event.slides };
    case 'page': return { slides: { ...room.slides, deck: event.deck, page: event.page } };
    case 'peer-role':
    case 'muted-all':
      return {};
  }
}

/** What a message beside the log changes: counts and seats, which are told at most twice a second. */
export function applyClassroomMessage(room: Classroom, message: ClassroomMessage): Partial<Classroom> {
  switch (message.kind) {
    case 'lobby': return { lobby: message.lobby };
    case 'channels': return { channels: message.channels };
    case 'votes': {
      const questions = new Map(message.questions.map((one) => [one.id, one.votes]));
      const polls = new Map(message.polls.map((one) => [one.id, one]));
      return {
        questions: room.questions.map((one) => ({ ...one, votes: questions.get(one.id) ?? one.votes })),
        polls: room.polls.map((one) => {
          const counted = polls.get(one.id);
          return counted === undefined ? one : { ...one, voters: counted.voters, votes: counted.votes };
        }),
      };
    }
    default:
      return {};
  }
}

function withItem<T extends { id: number }>(items: readonly T[], item: T): T[] {
  return items.some((one) => one.id === item.id)
    ? items.map((one) => (one.id === item.id ? item : one)) : [...items, item];
}

/** For who may not see hidden questions they come as a bare id: that one is gone. */
function withQuestion(items: readonly Question[], item: Question | { id: number; state: 'hidden' }): Question[] {
  return 'text' in item ? withItem(items, item) : items.filter((one) => one.id !== item.id);
}

/** Open ones by votes, then by age; then the answered; hidden ones last. */
export function questionsInOrder(questions: readonly Question[]): Question[] {
  const rank = { open: 0, answered: 1, hidden: 2 } as const;
  return [...questions].sort((a, b) => rank[a.state] - rank[b.state] || b.votes - a.votes || a.id - b.id);
}

/** The share of each option, in whole percent of those who voted. */
export function pollShares(poll: Poll): number[] | null {
  if (poll.votes === null) return null;
  return poll.options.map((_, index) =>
    (poll.voters === 0 ? 0 : Math.round(((poll.votes?.[index] ?? 0) / poll.voters) * 100)));
}

/** Whether that channel is heard as an interpretation now: else what comes is the floor. */
export function isInterpreted(room: Classroom, channel: string): boolean {
  return channel !== 'floor' && room.channels.some((one) => one.channel === channel && one.on_air !== null);
}
