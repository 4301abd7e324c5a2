import type { JSX } from 'preact';
import { pickText } from '../../i18n/bilingual';
import { formatDate, formatDuration, formatTime, viewerTimeZone } from '../../i18n/format';
import { reasonText, t } from '../../i18n/staff';
import { api } from '../../protocol/api';
import type { Job, Recording } from '../../protocol/objects';
import { useAction } from '../parts/hooks';
import { ActionError } from '../parts/parts';

const SHOWN = 30;

function kindText(kind: string): string {
  const key = `job.kind.${kind}`;
  return t.has(key) ? t(key) : t('job.kind.other', { kind });
}

function JobRow({ job, film, onChanged }: { job: Job; film: Recording | undefined; onChanged: () => void }): JSX.Element {
  const action = useAction();
  const percent = Math.floor(job.progress_permille / 10);
  const title = film === undefined ? job.recording : pickText(film.title_en, film.title_ja)?.text ?? '';
  const zone = viewerTimeZone();
  const retry = async (): Promise<void> => {
    if (await action.run((signal) => api.retryJob(signal, job.id))) onChanged();
  };
  const cancel = async (): Promise<void> => {
    if (await action.run((signal) => api.cancelJob(signal, job.id))) onChanged();
  };
  const isOpen = job.state === 'waiting' || job.state === 'running';
  const canRetry = job.state === 'failed' || job.state === 'cancelled';
  return (
    <tr role="row" data-job={job.id} data-state={job.state}>
      <th role="rowheader" scope="row">{kindText(job.kind)}<br /><span class="quiet">{title}</span></th>
      <td role="cell">
        <span class={`film-state is-${job.state}`}>{t(`job.${job.state}`)}</span>
        {job.state === 'running' && (
          <span class="progress-line">
            <progress max={100} value={percent} aria-label={t('staff.progress')} /><span>{percent} %</span>
            {job.eta_s !== null && <span class="quiet">{t('staff.eta', { duration: formatDuration(job.eta_s) })}</span>}
          </span>
        )}
        {job.reason !== null && job.state !== 'done' && (
          <p class="reason">{t('staff.reason', { reason: reasonText(job.reason) })}</p>
        )}
      </td>
      <td role="cell" data-label={t('staff.attempts')}>{job.attempts}</td>
      <td role="cell" data-label={t('staff.updated')}><time dateTime={job.updated_at.toISOString()}>
        {formatDate(job.updated_at, zone)} {formatTime(job.updated_at, zone)}
      </time></td>
      <td role="cell" class={canRetry || isOpen ? undefined : 'is-bare'}>
        {isOpen && (
          <button type="button" class="small-button is-danger" aria-disabled={action.isBusy} onClick={() => void cancel()}
            aria-label={t('staff.cancel-label', { kind: kindText(job.kind), title })}>{t('staff.cancel')}</button>
        )}
        {canRetry && (
          <button type="button" class="small-button" aria-disabled={action.isBusy} onClick={() => void retry()}
            aria-label={t('staff.retry-label', { kind: kindText(job.kind), title })}>{t('staff.retry')}</button>
        )}
        <ActionError error={action.error} />
      </td>
    </tr>
  );
}

export function JobTable({ jobs, films, onChanged }: {
  jobs: readonly Job[]; films: readonly Recording[]; onChanged: () => void;
}): JSX.Element {
  if (jobs.length === 0) return <p class="quiet">{t('staff.jobs-none')}</p>;
  return (
    <div class="table-box" tabIndex={0} role="group" aria-labelledby="jobs-heading">
      <table role="table">
        <thead role="rowgroup"><tr role="row">
          <th role="columnheader" scope="col">{t('staff.kind')}</th><th role="columnheader" scope="col">{t('staff.state')}</th>
          <th role="columnheader" scope="col">{t('staff.attempts')}</th><th role="columnheader" scope="col">{t('staff.updated')}</th>
          <th role="columnheader" scope="col">{t('staff.actions')}</th>
        </tr></thead>
        <tbody role="rowgroup">
          {jobs.slice(0, SHOWN).map((job) => (
            <JobRow key={job.id} job={job} film={films.find((film) => film.id === job.recording)} onChanged={onChanged} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
