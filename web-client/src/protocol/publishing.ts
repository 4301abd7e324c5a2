/** Publishing, questions to the city, and the audit (docs/protocol.md, 2.8). */
import { boolean, knownItems, list, nullable, number, object, oneOf, string, time, withDefault } from './decode';

export interface Publishing {
  publish_at: Date | null;
  time_zone: string;
  submitted: { by: string; at: Date; is_you: boolean } | null;
  needs_second_person: boolean;
  may_publish: boolean;
}

export const decodePublishing = object<Publishing>({
  publish_at: nullable(time),
  time_zone: withDefault(string, ''),
  submitted: nullable(object<NonNullable<Publishing['submitted']>>({ by: string, at: time, is_you: boolean })),
  needs_second_person: withDefault(boolean, false),
  may_publish: withDefault(boolean, true),
});

export type QuestionState = 'open' | 'shown' | 'hidden';

export interface CityQuestion {
  id: string;
  name: string;
  text: string;
  asked_at: Date;
  answer_en: string;
  answer_ja: string;
  /** Told to who may review; others get only what is shown. */
  state: QuestionState;
}

export const decodeQuestions = object<{ items: CityQuestion[] }>({
  items: knownItems(object<CityQuestion>({
    id: string, name: string, text: string, asked_at: time, answer_en: withDefault(string, ''), answer_ja: withDefault(string, ''),
    state: withDefault(oneOf('open', 'shown', 'hidden'), 'shown'),
  })),
});

export interface AuditRow {
  seq: number;
  at: Date;
  actor: string;
  actor_name: string;
  action: string;
  object: string;
  title_en: string;
  title_ja: string;
}

export const decodeAudit = object<{ items: AuditRow[]; more: boolean }>({
  items: list(object<AuditRow>({
    seq: number, at: time, actor: string, actor_name: string, action: string, object: string,
    title_en: withDefault(string, ''), title_ja: withDefault(string, ''),
  })),
  more: withDefault(boolean, false),
});
