/**
 * What a phone's camera page records on the phone itself: pieces of a few seconds in IndexedDB, so that a killed tab or
 * an empty battery loses no more than the last of them.
 */

export interface KeptFilm { id: string; startedAt: number; type: string; bytes: number; ms: number }
interface Piece { film: string; n: number; content: Blob }

const NAME = 'manabi-camera';

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('films', { keyPath: 'id' });
      request.result.createObjectStore('pieces', { keyPath: ['film', 'n'] });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB'));
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB'));
  });
}

function valueOf<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as T);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB'));
  });
}

const allPieces = (film: string): IDBKeyRange => IDBKeyRange.bound([film, 0], [film, Number.MAX_SAFE_INTEGER]);

/** The piece and the film's new size, together or not at all. */
export async function keepPiece(film: KeptFilm, n: number, content: Blob): Promise<void> {
  const db = await open();
  try {
    const transaction = db.transaction(['films', 'pieces'], 'readwrite', { durability: 'relaxed' });
    transaction.objectStore('pieces').put({ film: film.id, n, content } satisfies Piece);
    transaction.objectStore('films').put(film);
    await finished(transaction);
  } finally {
    db.close();
  }
}

/** Newest first. A browser that keeps nothing has none. */
export async function keptFilms(): Promise<KeptFilm[]> {
  try {
    const db = await open();
    try {
      const films = await valueOf<KeptFilm[]>(db.transaction('films').objectStore('films').getAll());
      return films.sort((a, b) => b.startedAt - a.startedAt);
    } finally {
      db.close();
    }
  } catch {
    return [];
  }
}

export async function readFilm(film: KeptFilm): Promise<Blob> {
  const db = await open();
  try {
    const pieces = await valueOf<Piece[]>(db.transaction('pieces').objectStore('pieces').getAll(allPieces(film.id)));
    return new Blob(pieces.map(({ content }) => content), { type: film.type });
  } finally {
    db.close();
  }
}

export async function deleteFilm(film: KeptFilm): Promise<void> {
  const db = await open();
  try {
    const transaction = db.transaction(['films', 'pieces'], 'readwrite');
    transaction.objectStore('pieces').delete(allPieces(film.id));
    transaction.objectStore('films').delete(film.id);
    await finished(transaction);
  } finally {
    db.close();
  }
}
