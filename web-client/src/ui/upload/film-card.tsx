import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatBytes, formatDuration } from '../../i18n/format';
import { reasonText, t as staff } from '../../i18n/staff';
import { t } from '../../i18n/upload';
import { api } from '../../protocol/api';
import { announce } from '../../store/announcer';
import { addFiles, end, goOn, pause, putAway, refresh, type IncomingFilm } from '../../store/uploads';
import { useAction, useResource } from '../parts/hooks';
import { ConfirmDialog } from '../parts/parts';
import { DraftForm } from './draft-form';
import { ACCEPTED } from './film-chooser';
import { UploadError } from './upload-error';

const REFRESH_MS = 2000;

function Amount({ film }: { film: IncomingFilm }): JSX.Element {
  const percent = Math.floor((film.sent / film.size) * 100);
  const left = film.speed !== null && film.speed > 0 ? (film.size - film.sent) / film.speed : null;
  return (
    <div class="upload-amount">
      <progress max={100} value={percent} aria-label={t('upload.progress', { name: film.name })} />
      <p class="quiet">
        <span>{percent} %</span> <span>{t('upload.amount', { sent: formatBytes(film.sent), size: formatBytes(film.size) })}</span>
        {film.state === 'sending' && film.speed !== null && (
          <> <span>{t('upload.speed', { speed: formatBytes(film.speed) })}</span></>
        )}
        {film.state === 'sending' && left !== null && (
          <> <span>{t('upload.left', { duration: formatDuration(Math.max(1, Math.round(left))) })}</span></>
        )}
      </p>
    </div>
  );
}

/** The browser gives a page no file without a press: the same file is asked for again. */
function ChooseAgain({ film }: { film: IncomingFilm }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input ref={input} type="file" accept={ACCEPTED} hidden
        onChange={(event) => addFiles([...(event.currentTarget.files ?? [])])} />
      <button type="button" class="small-button" aria-label={t('upload.choose-again-label', { name: film.name })}
        onClick={() => input.current?.click()}>{t('upload.choose-again')}</button>
    </>
  );
}

function Buttons({ film, onRemove }: { film: IncomingFilm; onRemove: () => void }): JSX.Element {
  const { key, name, state } = film;
  return (
    <div class="row-actions">
      {(state === 'sending' || state === 'waiting' || state === 'queued') && (
        <button type="button" class="small-button" aria-label={t('upload.pause-label', { name })}
          onClick={() => pause(key)}>{t('upload.pause')}</button>
      )}
      {(state === 'paused' || state === 'failed') && (
        <button type="button" class="small-button" aria-label={t('upload.go-on-label', { name })}
          onClick={() => goOn(key)}>{t('upload.go-on')}</button>
      )}
      {state === 'needs-file' && <ChooseAgain film={film} />}
      <button type="button" class="small-button is-danger" aria-label={t('upload.remove-label', { name })}
        onClick={onRemove}>{t('upload.remove')}</button>
    </div>
  );
}

/** From the last byte on it is a recording: how its work gets on. */
function Outcome({ film, recording }: { film: IncomingFilm; recording: string }): JSX.Element {
  const { resource } = useResource(`outcome ${recording}`, (signal) => api.recording(signal, recording),
    (value) => (value.state === 'processing' && value.reason === null ? REFRESH_MS : null));
  const value = resource.state === 'ready' ? resource.value : null;
  const percent = Math.floor((value?.progress_permille ?? 0) / 10);
  const hasFailed = value !== null && value.state === 'processing' && value.reason !== null;
  const what = hasFailed ? 'done.failed' : value?.state === 'published' ? 'done.published'
    : value?.state === 'review' ? 'done.review' : 'done.working';
  return (
    <div class="upload-outcome" data-outcome={what}>
      <p role="status">{t(what)}</p>
      {what === 'done.working' && (
        <span class="progress-line">
          <progress max={100} value={percent} aria-label={staff('staff.progress')} /><span>{percent} %</span>
        </span>
      )}
      {hasFailed && value.reason !== null && <p class="reason">{reasonText(value.reason)}</p>}
      <div class="row-actions">
        {(what === 'done.published' || what === 'done.review') && (
          <a class="small-button" href={`/watch/${recording}`}>{t('done.open')}</a>
        )}
        <a class="small-button" href="/staff">{t('done.staff')}</a>
        <button type="button" class="small-button" aria-label={t('done.put-away-label', { name: film.name })}
          onClick={() => putAway(film.key)}>{t('done.put-away')}</button>
      </div>
    </div>
  );
}

export function FilmCard({ film, number }: { film: IncomingFilm; number: number }): JSX.Element {
  const action = useAction();
  const [isAsking, setAsking] = useState(false);
  const { state } = film;
  useEffect(() => {
    if (state === 'received') announce(t('upload.arrived', { name: film.name }));
    if (state === 'failed') announce(t('upload.stopped', { name: film.name }), 'assertive');
  }, [state]);
  const isBecoming = state === 'received' && film.isSubmitted && film.recording === null;
  useEffect(() => {
    if (!isBecoming) return;
    const timer = setInterval(() => void refresh(film.key), REFRESH_MS);
    void refresh(film.key);
    return () => clearInterval(timer);
  }, [isBecoming]);
  const heading = `upload-${number}`;
  return (
    <li class="panel upload-card" data-state={state} data-upload={film.id}>
      <h3 id={heading} class="upload-name" lang="">{film.name}</h3>
      {film.recording !== null ? <Outcome film={film} recording={film.recording} /> : (
        <>
          <p>{t(`upload.${state}`)}</p>
          <Amount film={film} />
          <UploadError error={film.error ?? action.error} />
          <Buttons film={film} onRemove={() => setAsking(true)} />
          {film.id !== null && (
            <details open class="upload-form">
              <summary>{t('draft.legend')}</summary>
              <DraftForm film={film} prefix={heading} />
            </details>
          )}
        </>
      )}
      {isAsking && (
        <ConfirmDialog title={t('upload.remove-title', { name: film.name })} text={t('upload.remove-what')}
          action={t('upload.remove')} isDanger onClose={() => setAsking(false)}
          onConfirm={() => void action.run((signal) => end(film.key, signal))} />
      )}
    </li>
  );
}
