/** After the room: why it ended, and where to go. The facilitator sees what became of the recording. */
import type { JSX } from 'preact';
import { t as common, errorText } from '../../../i18n/common';
import { pickText } from '../../../i18n/bilingual';
import { d } from '../../../i18n/door';
import { reasonText } from '../../../i18n/room';
import { api } from '../../../protocol/api';
import type { JoinInfo, Recording } from '../../../protocol/objects';
import type { LineEnd } from '../../../store/room-line';
import { Frame } from '../../frame';
import { usePageTitle, useResource } from '../../parts/hooks';
import { Icon, icons } from '../../parts/icon';
import { Marked, PageHeading, PersonText } from '../../parts/parts';
import { LazyPart } from '../lazy-part';
import { roomIcons } from '../room-icons';
import { SummaryContext } from '../summary-context';

const REFRESH_MS = 3000;

function headingOf(end: LineEnd): string {
  return end.why === 'refused' ? d('over.refused') : d(`over.${end.why}`);
}

function textOf(end: LineEnd): string {
  if (end.why !== 'refused') return d(`over.${end.why}-what`);
  const roomKey = `over.refused.${end.code}`;
  if (d.has(roomKey)) return d(roomKey);
  return end.code.startsWith('link-') ? errorText(end.code) : reasonText(end.code);
}

function stateText(recording: Recording): string {
  if (recording.reason !== null && recording.state !== 'published') {
    return d('over.recording-failed', { reason: recording.reason.detail || recording.reason.code });
  }
  switch (recording.state) {
    case 'published': return d('over.recording-ready');
    case 'review': return d('over.recording-review');
    case 'processing':
      return d('over.recording-processing', { percent: Math.floor((recording.progress_permille ?? 0) / 10) });
    case 'draft': return d('over.recording-draft');
    case 'withdrawn': return d('over.recording-withdrawn');
  }
}

function SessionRecordings({ session, token }: { session: string; token: string }): JSX.Element | null {
  const { resource } = useResource(`session ${session}`, (signal) => api.session(signal, session, token), (value) =>
    (value.recordings.some((one) => one.state === 'draft' || one.state === 'processing') ? REFRESH_MS : null));
  if (resource.state !== 'ready') return null;
  const { recordings } = resource.value;
  return (
    <section class="panel" aria-labelledby="recordings-heading">
      <h2 id="recordings-heading">{d('over.recordings')}</h2>
      {recordings.length === 0 && <p>{d('over.recordings-none')}</p>}
      {recordings.map((recording) => {
        const title = pickText(recording.title_en, recording.title_ja);
        const percent = Math.floor((recording.progress_permille ?? 0) / 10);
        return (
          <div key={recording.id} class="over-recording" data-recording-state={recording.state}>
            <p>{title !== null && <Marked text={title} />}</p>
            <p role="status">{stateText(recording)}</p>
            {recording.state === 'processing' && recording.reason === null && (
              <progress max={100} value={percent} aria-label={d('over.recordings')} />
            )}
            {recording.playlist !== null && (
              <a class="button" href={`/watch/${recording.id}`}><Icon path={icons.play} size={20} />{d('over.recording-open')}</a>
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
        {end.why === 'over' && info.event.recording_policy === 'publish' && <p>{d('over.over-film')}</p>}
        <div class="state-actions">
          {canRejoin && <button type="button" class="button is-primary" onClick={onRejoin}>{d('over.rejoin')}</button>}
          {end.why !== 'no-session' && <a class="button" href={`/events/${info.event.id}`}>{d('over.event')}</a>}
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
