import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { pickText } from '../../i18n/bilingual';
import { formatDuration } from '../../i18n/format';
import { t as review } from '../../i18n/review';
import { reasonText, t } from '../../i18n/staff';
import { api } from '../../protocol/api';
import type { Recording } from '../../protocol/objects';
import { areaName, cityName } from '../../store/taxonomy';
import { useAction } from '../parts/hooks';
import { ActionError, ConfirmDialog, Marked } from '../parts/parts';
import { FilmDialog } from './film-dialog';

function titleOf(film: Recording): string {
  return pickText(film.title_en, film.title_ja)?.text ?? '';
}

function FilmState({ film }: { film: Recording }): JSX.Element {
  const percent = Math.floor((film.progress_permille ?? 0) / 10);
  const hasFailed = film.reason !== null && film.state !== 'published';
  const isWorking = film.is_at_work || film.state === 'processing';
  return (
    <>
      <span class={`film-state is-${hasFailed ? 'failed' : film.state}`}>{hasFailed ? t('job.failed') : t(`state.${film.state}`)}</span>
      {isWorking && !hasFailed && (
        <span class="progress-line">
          <progress max={100} value={percent} aria-label={t('staff.progress')} /><span>{percent} %</span>
          {film.eta_s !== null && <span class="quiet">{t('staff.eta', { duration: formatDuration(film.eta_s) })}</span>}
        </span>
      )}
      {hasFailed && film.reason !== null && (
        <p class="reason">{t('staff.reason', { reason: reasonText(film.reason) })}</p>
      )}
    </>
  );
}

function FilmRow({ film, onChanged }: { film: Recording; onChanged: () => void }): JSX.Element {
  const action = useAction();
  const [dialog, setDialog] = useState<'edit' | 'withdraw' | null>(null);
  const title = titleOf(film);
  const shown = pickText(film.title_en, film.title_ja);
  const setState = async (state: 'published' | 'withdrawn'): Promise<void> => {
    const done = await action.run(async (signal) => {
      await api.changeRecording(signal, film.id, { state });
    });
    if (done) onChanged();
  };
  const canPublish = film.playlist !== null && (film.state === 'review' || film.state === 'withdrawn');
  return (
    <tr role="row" data-recording={film.id} data-state={film.state}>
      <th role="rowheader" scope="row">{shown !== null && <Marked text={shown} />}</th>
      <td role="cell"><Marked text={cityName(film.city)} /><br /><span class="quiet"><Marked text={areaName(film.area)} /></span></td>
      <td role="cell"><FilmState film={film} /></td>
      <td role="cell">
        <div class="row-actions">
          {film.playlist !== null && (
            <a class="small-button" href={`/watch/${film.id}`} aria-label={t('staff.open-label', { title })}>{t('staff.open')}</a>
          )}
          <a class="small-button" href={`/review/${film.id}`} aria-label={review('review.open-label', { title })}>{review('review.open')}</a>
          <button type="button" class="small-button" aria-label={t('staff.edit-label', { title })}
            onClick={() => setDialog('edit')}>{t('staff.edit')}</button>
          {canPublish && (
            <button type="button" class="small-button" aria-disabled={action.isBusy} aria-label={t('staff.publish-label', { title })}
              onClick={() => void setState('published')}>{t('staff.publish')}</button>
          )}
          {film.state === 'published' && (
            <button type="button" class="small-button is-danger" aria-disabled={action.isBusy}
              aria-label={t('staff.withdraw-label', { title })}
              onClick={() => setDialog('withdraw')}>{t('staff.withdraw')}</button>
          )}
        </div>
        <ActionError error={action.error} />
        {dialog === 'edit' && (
          <FilmDialog film={film} onClose={() => setDialog(null)} onSaved={() => { setDialog(null); onChanged(); }} />
        )}
        {dialog === 'withdraw' && (
          <ConfirmDialog title={t('staff.withdraw-title', { title })} text={t('staff.withdraw-what')}
            action={t('staff.withdraw')} isDanger onClose={() => setDialog(null)}
            onConfirm={() => void setState('withdrawn')} />
        )}
      </td>
    </tr>
  );
}

export function FilmTable({ films, onChanged }: { films: readonly Recording[]; onChanged: () => void }): JSX.Element {
  if (films.length === 0) return <p class="quiet">{t('staff.films-none')}</p>;
  return (
    <div class="table-box" tabIndex={0} role="group" aria-labelledby="staff-films-heading">
      <table role="table">
        <thead role="rowgroup"><tr role="row">
          <th role="columnheader" scope="col">{t('staff.film')}</th><th role="columnheader" scope="col">{t('staff.place')}</th>
          <th role="columnheader" scope="col">{t('staff.state')}</th><th role="columnheader" scope="col">{t('staff.actions')}</th>
        </tr></thead>
        <tbody role="rowgroup">{films.map((film) => <FilmRow key={film.id} film={film} onChanged={onChanged} />)}</tbody>
      </table>
    </div>
  );
}
