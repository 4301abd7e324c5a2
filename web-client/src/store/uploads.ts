/** Films on their way in: what is sent, what was typed about it, and what the server has of both. */
import { signal } from '@preact/signals';
import { api, ApiError } from '../protocol/api';
import type { Upload, UploadDraft } from '../protocol/objects';
import { keyOf, SpeedMeter } from '../upload/facts';
import { Transfer } from '../upload/transfer';
import { readPreference, writePreference } from './preferences';

const PARALLEL = 2;
const SAVE_AFTER_MS = 700;
const SAVE_AGAIN_MS = 5000;

/**
 * queued: its turn comes; sending; waiting: the line is lost, tried again by itself; paused; needs-file: begun
 * before, the browser has to be given the file again; received: all of it is on the server; failed.
 */
export type FilmState = 'queued' | 'sending' | 'waiting' | 'paused' | 'needs-file' | 'received' | 'failed';
export type DraftState = 'saved' | 'typing' | 'unsaved' | 'refused';

export interface IncomingFilm {
  /** For lists: never changes. */
  readonly key: string;
  readonly name: string;
  readonly size: number;
  id: string | null;
  state: FilmState;
  sent: number;
  speed: number | null;
  error: ApiError | null;
  draft: UploadDraft;
  draftState: DraftState;
  draftError: ApiError | null;
  isSubmitted: boolean;
  recording: string | null;
}

export const films = signal<readonly IncomingFilm[]>([]);
export const cityForNew = signal(readPreference('upload-city') ?? '');

/** What does not belong on the screen. */
interface Machinery {
  file: File | null;
  transfer: Transfer | null;
  meter: SpeedMeter;
  changed: Partial<UploadDraft>;
  timer: ReturnType<typeof setTimeout> | undefined;
  isSaving: boolean;
}

const machinery = new Map<string, Machinery>();
const forever = new AbortController().signal;

export const EMPTY_DRAFT: UploadDraft = {
  title_en: '', title_ja: '', description_en: '', description_ja: '', place_en: '', place_ja: '', series: '', area: '',
  city: '', visited_on: '', people: '', licence: '', audience: 'public', languages: [], publish: false,
};

export function setCityForNew(code: string): void {
  cityForNew.value = code;
  writePreference('upload-city', code);
}

function find(key: string): IncomingFilm | undefined {
  return films.value.find((film) => film.key === key);
}

function change(key: string, by: Partial<IncomingFilm>): void {
  films.value = films.value.map((film) => (film.key === key ? { ...film, ...by } : film));
}

function machineOf(key: string): Machinery {
  let machine = machinery.get(key);
  if (machine === undefined) {
    machine = { file: null, transfer: null, meter: new SpeedMeter(), changed: {}, timer: undefined, isSaving: false };
    machinery.set(key, machine);
  }
  return machine;
}

// ---- what was typed: on the server soon, in this browser at once ----

const unsavedName = (id: string): string => `manabi.draft.${id}`;

function rememberUnsaved(id: string, changed: Partial<UploadDraft>): void {
  try {
    if (Object.keys(changed).length === 0) localStorage.removeItem(unsavedName(id));
    else localStorage.setItem(unsavedName(id), JSON.stringify(changed));
  } catch {
    // not remembered; the server is asked soon
  }
}

function readUnsaved(id: string): Partial<UploadDraft> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(unsavedName(id)) ?? '{}');
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter(([name, one]) =>
      name in EMPTY_DRAFT && typeof one === typeof EMPTY_DRAFT[name as keyof UploadDraft]));
  } catch {
    return {};
  }
}

async function save(key: string): Promise<boolean> {
  const film = find(key);
  const machine = machineOf(key);
  clearTimeout(machine.timer);
  if (film === undefined || film.id === null || machine.isSaving || film.recording !== null) return false;
  const sending = machine.changed;
  if (Object.keys(sending).length === 0) return true;
  machine.changed = {};
  machine.isSaving = true;
  let isSaved = false;
  try {
    await api.keepDraft(forever, film.id, sending);
    isSaved = true;
    rememberUnsaved(film.id, machine.changed);
    change(key, { draftState: Object.keys(machine.changed).length === 0 ? 'saved' : 'typing', draftError: null });
  } catch (error) {
    machine.changed = { ...sending, ...machine.changed };
    const isRefused = error instanceof ApiError && error.status >= 400 && error.status < 500;
    change(key, { draftState: isRefused ? 'refused' : 'unsaved', draftError: error instanceof ApiError ? error : null });
    if (!isRefused) machine.timer = setTimeout(() => void save(key), SAVE_AGAIN_MS);
  }
  machine.isSaving = false;
  if (isSaved && Object.keys(machine.changed).length > 0) return save(key);
  return isSaved;
}

export function keepTyped(key: string, by: Partial<UploadDraft>): void {
  const film = find(key);
  if (film === undefined) return;
  const machine = machineOf(key);
  machine.changed = { ...machine.changed, ...by };
  if (film.id !== null) rememberUnsaved(film.id, machine.changed);
  change(key, { draft: { ...film.draft, ...by }, draftState: 'typing', draftError: null, isSubmitted: false });
  clearTimeout(machine.timer);
  machine.timer = setTimeout(() => void save(key), SAVE_AFTER_MS);
}

/** Returns the fields that are missing; none: submitted. */
export async function submit(key: string, abort: AbortSignal): Promise<readonly { field: string; code: string }[]> {
  const film = find(key);
  if (film === undefined || film.id === null) return [];
  if (!(await save(key))) throw find(key)?.draftError ?? new ApiError('network', 0, 'the form could not be kept');
  try {
    const upload = await api.submitUpload(abort, film.id);
    change(key, { isSubmitted: true, recording: upload.recording });
    return [];
  } catch (error) {
    if (error instanceof ApiError && error.fields.length > 0) return error.fields;
    throw error;
  }
}

// ---- bytes ----

function startNext(): void {
  const active = films.value.filter((film) => film.state === 'sending' || film.state === 'waiting').length;
  const next = [...films.value].reverse().find((film) => film.state === 'queued');
  if (active >= PARALLEL || next === undefined) return;
  begin(next);
  startNext();
}

function begin(film: IncomingFilm): void {
  const { key } = film;
  const machine = machineOf(key);
  if (machine.file === null) return;
  machine.meter.reset();
  machine.transfer = new Transfer({ file: machine.file, key, city: film.draft.city, id: film.id }, {
    onBegun: (id) => {
      const isNew = find(key)?.id === null;
      change(key, { id });
      if (isNew) void save(key);
    },
    onProgress: (sent) => {
      machine.meter.add(sent, performance.now());
      change(key, { sent, speed: machine.meter.bytesPerSecond(), state: 'sending' });
    },
    onWaiting: () => {
      machine.meter.reset();
      change(key, { state: 'waiting', speed: null });
    },
    onDone: () => {
      machine.transfer = null;
      change(key, { state: 'received', sent: film.size, speed: null });
      void refresh(key);
      startNext();
    },
    onFailed: (error) => {
      machine.transfer = null;
      change(key, { state: 'failed', error, speed: null });
      startNext();
    },
  });
  change(key, { state: 'sending', error: null });
  machine.transfer.start();
}

/** What became of it: asked while it is whole and submitted and no recording yet. */
export async function refresh(key: string): Promise<void> {
  const film = find(key);
  if (film === undefined || film.id === null) return;
  try {
    const upload = await api.upload(forever, film.id);
    change(key, { recording: upload.recording, isSubmitted: upload.is_submitted });
  } catch {
    // asked again
  }
}

export function addFiles(files: readonly File[]): void {
  for (const file of files) {
    const key = keyOf(file);
    const known = find(key);
    machineOf(key).file = file;
    if (known !== undefined) {
      if (known.state === 'needs-file' || known.state === 'failed') change(key, { state: 'queued', error: null });
      continue;
    }
    const film: IncomingFilm = {
      key, name: file.name, size: file.size, id: null, state: 'queued', sent: 0, speed: null, error: null,
      draft: { ...EMPTY_DRAFT, city: cityForNew.value }, draftState: 'saved', draftError: null, isSubmitted: false,
      recording: null,
    };
    films.value = [film, ...films.value];
  }
  startNext();
}

export function pause(key: string): void {
  const machine = machineOf(key);
  machine.transfer?.pause();
  machine.transfer = null;
  change(key, { state: 'paused', speed: null });
  startNext();
}

export function goOn(key: string): void {
  if (machineOf(key).file === null) return;
  change(key, { state: 'queued', error: null });
  startNext();
}

export async function end(key: string, abort: AbortSignal): Promise<void> {
  const film = find(key);
  machineOf(key).transfer?.pause();
  if (film !== undefined && film.id !== null) {
    await api.endUpload(abort, film.id);
    rememberUnsaved(film.id, {});
  }
  clearTimeout(machineOf(key).timer);
  machinery.delete(key);
  films.value = films.value.filter((one) => one.key !== key);
  startNext();
}

/** A film that is a recording needs no place here any more. */
export function putAway(key: string): void {
  machinery.delete(key);
  films.value = films.value.filter((one) => one.key !== key);
}

function filmOf(upload: Upload): IncomingFilm {
  const key = upload.file_key === '' ? upload.id : upload.file_key;
  const unsaved = readUnsaved(upload.id);
  machineOf(key).changed = unsaved;
  return {
    key, name: upload.file_name, size: upload.size, id: upload.id,
    state: upload.state === 'receiving' ? 'needs-file' : 'received',
    sent: upload.received, speed: null, error: null, draft: { ...upload.draft, ...unsaved },
    draftState: Object.keys(unsaved).length === 0 ? 'saved' : 'typing', draftError: null,
    isSubmitted: upload.is_submitted, recording: upload.recording,
  };
}

/** What was begun before, here or elsewhere; what this page is busy with stays as it is. */
export async function loadFilms(abort: AbortSignal): Promise<void> {
  const { items } = await api.uploads(abort);
  const known = new Set(films.value.map((film) => film.id));
  const added = items.filter((upload) => !known.has(upload.id)).map(filmOf)
    .filter((film, index, all) => find(film.key) === undefined && all.findIndex((one) => one.key === film.key) === index);
  films.value = [...films.value, ...added];
  for (const film of added) void save(film.key);
}

/** The tab is closing: what was typed last goes out with it. */
export function saveBeforeLeaving(): void {
  for (const film of films.value) {
    const { changed } = machineOf(film.key);
    if (film.id === null || Object.keys(changed).length === 0) continue;
    void fetch(`/api/v1/uploads/${film.id}`, {
      method: 'PATCH', keepalive: true, body: JSON.stringify(changed), headers: { 'Content-Type': 'application/json' },
    }).catch(() => undefined);
  }
}

export function isSendingAny(): boolean {
  return films.value.some((film) => film.state === 'sending' || film.state === 'waiting' || film.state === 'queued');
}
