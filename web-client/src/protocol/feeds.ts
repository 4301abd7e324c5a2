/** Live feeds from the field (docs/protocol.md, 2.6). */
import { call } from './api';
import { boolean, knownItems, list, nullable, number, object, oneOf, string, time, withDefault, type Decoder } from './decode';
import { decodeEvent, type LearningEvent } from './objects';

export const FEED_SOURCES = ['srt', 'rtmp', 'rtsp', 'camera'] as const;
export type FeedSource = (typeof FEED_SOURCES)[number];
export type FeedState = 'off' | 'waiting' | 'arriving' | 'live' | 'lost';

export interface ArrivingStream { codec: string; is_known: boolean; width: number; height: number; rate: number; channels: number }

export interface Arriving {
  kbit: number;
  fps_tenths: number;
  /** Absent where the line does not tell. */
  loss_permille: number | null;
  rtt_ms: number | null;
  connected_s: number;
  video: ArrivingStream | null;
  audio: ArrivingStream | null;
  /** A word of docs/pipelines.md; null: nothing is wrong. */
  trouble: string | null;
}

export interface Feed {
  id: string;
  name: string;
  source: FeedSource;
  area: string;
  city: string;
  address: string | null;
  is_taken: boolean;
  state: FeedState;
  arriving: Arriving | null;
  refused: { code: string; at: Date } | null;
  gone: string | null;
  /** Only for who made it and for its crew. */
  key: string | null;
  passphrase: string | null;
  publish_url: string | null;
  publish_qr_svg: string | null;
  url: string | null;
  qr_svg: string | null;
}

export interface CrewFeed extends Feed { event: LearningEvent }

const zero = withDefault(number, 0);

const stream = object<ArrivingStream>({
  codec: string, is_known: withDefault(boolean, true), width: zero, height: zero, rate: zero, channels: zero,
});

const arriving = object<Arriving>({
  kbit: zero, fps_tenths: zero, loss_permille: nullable(number), rtt_ms: nullable(number), connected_s: zero,
  video: nullable(stream), audio: nullable(stream), trouble: nullable(string),
});

const fields = {
  id: string, name: string, source: oneOf(...FEED_SOURCES), area: string, city: string, address: nullable(string),
  is_taken: withDefault(boolean, true), state: oneOf<FeedState>('off', 'waiting', 'arriving', 'live', 'lost'),
  arriving: nullable(arriving), refused: nullable(object<{ code: string; at: Date }>({ code: string, at: time })),
  gone: nullable(string), key: nullable(string), passphrase: nullable(string), publish_url: nullable(string),
  publish_qr_svg: nullable(string), url: nullable(string), qr_svg: nullable(string),
};
const decodeFeed = object<Feed>(fields);
const decodeCrewFeed = object<CrewFeed>({ ...fields, event: decodeEvent });
const decodeFeeds = object<{ items: Feed[]; sources: FeedSource[] }>({
  items: knownItems(decodeFeed), sources: list(oneOf(...FEED_SOURCES)),
});
const nothing: Decoder<void> = () => undefined;

const pathOf = (event: string): string => `/events/${encodeURIComponent(event)}/feeds`;

export const feedApi = {
  list: (signal: AbortSignal, event: string, token: string | null) => call(pathOf(event), signal, { token, decode: decodeFeeds }),
  create: (signal: AbortSignal, event: string, body: { source: FeedSource; name: string; city: string; area: string; url?: string }, token: string | null) =>
    call(pathOf(event), signal, { method: 'POST', body, token, decode: decodeFeed }),
  revoke: (signal: AbortSignal, feed: string, token: string | null) =>
    call(`/links/${encodeURIComponent(feed)}`, signal, { method: 'DELETE', token, decode: nothing }),
  mine: (signal: AbortSignal, token: string) => call('/feed', signal, { token, decode: decodeCrewFeed }),
};
