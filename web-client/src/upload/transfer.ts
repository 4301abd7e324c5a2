/** One file on its way to the server by tus: pause, go on, retry for as long as it takes. Knows no DOM. */
import { DetailedError, Upload as TusUpload } from 'tus-js-client';
import { ApiError } from '../protocol/api';
import { idOfUrl, isWorthRetry } from './facts';

const CHUNK_BYTES = 32 * 1024 * 1024;
const RETRY_MS = [500, 1000, 2000, 5000, 10_000, ...Array<number>(60).fill(20_000)];

export interface TransferCalls {
  /** The server knows it now, under this id. */
  onBegun: (id: string) => void;
  onProgress: (sent: number) => void;
  /** The line is lost; it is tried again by itself. */
  onWaiting: () => void;
  onDone: () => void;
  onFailed: (error: ApiError) => void;
}

export interface TransferStart {
  file: File;
  key: string;
  city: string;
  /** Of an upload that goes on; null: a new one. */
  id: string | null;
}

function errorOf(error: Error | DetailedError): ApiError {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  if (response === null || response === undefined) return new ApiError('network', 0, error.message);
  let code = response.getStatus() >= 500 ? 'server-error' : 'bad-answer';
  let detail = '';
  try {
    const problem = JSON.parse(response.getBody()) as { code?: unknown; detail?: unknown };
    if (typeof problem.code === 'string') code = problem.code;
    if (typeof problem.detail === 'string') detail = problem.detail;
  } catch {
    // a proxy's own page
  }
  return new ApiError(code, response.getStatus(), detail);
}

export class Transfer {
  readonly #tus: TusUpload;

  constructor(start: TransferStart, calls: TransferCalls) {
    this.#tus = new TusUpload(start.file, {
      endpoint: '/uploads',
      uploadUrl: start.id === null ? null : `/uploads/${start.id}`,
      metadata: { filename: start.file.name.slice(-200), key: start.key, ...(start.city === '' ? {} : { city: start.city }) },
      chunkSize: CHUNK_BYTES,
      retryDelays: RETRY_MS,
      storeFingerprintForResuming: false,
      removeFingerprintOnSuccess: false,
      onUploadUrlAvailable: () => {
        const id = idOfUrl(this.#tus.url);
        if (id !== null) calls.onBegun(id);
      },
      onProgress: (sent) => calls.onProgress(sent),
      onSuccess: () => calls.onDone(),
      onError: (error) => calls.onFailed(errorOf(error)),
      onShouldRetry: (error) => {
        const isWorth = isWorthRetry(error.originalResponse?.getStatus() ?? 0);
        if (isWorth) calls.onWaiting();
        return isWorth;
      },
    });
  }

  start(): void {
    this.#tus.start();
  }

  /** What is on its way is dropped; what the server has stays. */
  pause(): void {
    void this.#tus.abort();
  }
}
