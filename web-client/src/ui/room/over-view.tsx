/** After the room: why it ended, and where to go. The facilitator sees what became of the recording. */
import type { JSX } from 'preact';
import { t as common, errorText } from '../../i18n/common';
import { pickText } from '../../i18n/bilingual';
import { reasonText, t } from '../../i18n/room';
import { api } from '../../protocol/api';
import type { JoinInfo, Recording } from '../../protocol/objects';
import type { LineEnd } from '../../store/room-line';
import { Frame } from '../frame';
import { usePageTitle, useResource } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { Marked, PageHeading, PersonText } from '../parts/parts';
import { LazyPart } from './lazy-part';
import { roomIcons } from './room-icons';
import { SummaryContext } from './summary-context';

const REFRESH_MS = 3000;

function headingOf(end: LineEnd): string {
  return end.why === 'refused' ? t('over.refused') : t(`over.${end.why}`);
}

function textOf(end: LineEnd): string {
  if (end.why !== 'refused') return t(`over.${end.why}-what`);
  const roomKey = `over.refused.${end.code}`;
  if (t.has(roomKey)) return t(roomKey);
  return end.code.startsWith('link-') ? errorText(end.code) : reasonText(end.code);
}

function stateText(recording: Recording): string {
  if (recording.reason !== null && recording.state !== 'published') {
    return t('over.recording-failed', { reason: recording.reason.detail || recording.reason.code });
  }
  switch (recording.state) {
    case 'published': return t('over.recording-ready');
    case 'review': return t('over.recording-review');
    case 'processing':
      return t('over.recording-processing', { percent: Math.floor((recording.progress_permille ?? 0) / 10) });
    case 'draft': return t('over.recording-draft');
    case 'withdrawn': return t('over.recording-withdrawn');
  }
}

function SessionRecordings({ session, token }: { session: string; token: string }): JSX.Element | null {
  const { resource } = useResource(`session ${session}`, (signal) => api.session(signal, session, token), (value) =>
    (value.recordings.some((one) => one.state === 'draft' || one.state === 'processing') ? REFRESH_MS : null));
  if (resource.state !== 'ready') return null;
  const { recordings } = resource.value;
  return (
    <section class="panel" aria-labelledby="recordings-heading">
      <h2 id="recordings-heading">{t('over.recordings')}</h2>
      {recordings.length === 0 && <p>{t('over.recordings-none')}</p>}
      {recordings.map((recording) => {
        const title = pickText(recording.title_en, recording.title_ja);
        const percent = Math.floor((recording.progress_permille ?? 0) / 10);
        return (
          <div key={recording.id} class="over-recording" data-recording-state={recording.state}>
            <p>{title !== null && <Marked text={title} />}</p>
            <p role="status">{stateText(recording)}</p>
            {recording.state === 'processing' && recording.reason === null && (
              <progress max={100} value={percent} aria-label={t('over.recordings')} />
            )}
            {recording.playlist !== null && (
              <a class="button" href={`/watch/${recording.id}`}><Icon path={icons.play} size={20} />{t('over.recording-open')}</a>
            )}
          </div>
        );
      })}
    </section>
  );
}

export function OverView({ end, refusal, info, token, onRejoin }: {
  end: LineEnd; refusal: string; info: JoinInfo; token: string; onRejoin: () => void;
}): JSX.Element {
  usePageTitle(headingOf(end));
  const canRejoin = end.why === 'left' || end.why === 'replaced' || end.why === 'broken' || end.why === 'refused';
  const seesRecordings = end.why === 'over' && info.role === 'facilitator' && info.session !== null;
  return (
    <Frame>
      <div class="state is-page" data-over={end.why}>
        <span class="state-icon"><Icon path={end.why === 'over' ? icons.check : roomIcons.leave} size={32} /></span>
        <PageHeading>{headingOf(end)}</PageHeading>
        {end.why === 'not-admitted' && refusal !== '' && <blockquote class="refusal"><PersonText text={refusal} /></blockquote>}
        <p>{textOf(end)}</p>
        {end.why === 'over' && info.event.recording_policy === 'publish' && <p>{t('over.over-film')}</p>}
        <div class="state-actions">
          {canRejoin && <button type="button" class="button is-primary" onClick={onRejoin}>{t('over.rejoin')}</button>}
          {end.why !== 'no-session' && <a class="button" href={`/events/${info.event.id}`}>{t('over.event')}</a>}
          <a class="button" href="/">{common('app.home')}</a>
        </div>
      </div>
      {seesRecordings && info.session !== null && (
        <>
          <SessionRecordings session={info.session.id} token={token} />
          <SummaryContext.Provider value={{ session: info.session.id, token }}>
            <LazyPart name="SessionSummary" isQuiet />
          </SummaryContext.Provider>
        </>
      )}
    </Frame>
  );
}
