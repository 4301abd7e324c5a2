/** Everything that has no place in the bar; on a phone also what is in the bar elsewhere. */
import type { JSX } from 'preact';
import { c } from '../../../i18n/classroom';
import { t } from '../../../i18n/room';
import { REACTIONS } from '../../../protocol/classroom';
import { announce } from '../../../store/announcer';
import { Icon } from '../../parts/icon';
import { drawsEmoji, ReactionMark } from '../reactions';
import { mayShareScreen, toggleShare } from '../room-bar';
import { roomIcons } from '../room-icons';
import { LAYOUTS, useRoom, type Panel } from '../room-ui';

function PanelLine({ panel, icon, count = 0 }: { panel: Panel; icon: string; count?: number }): JSX.Element {
  const { ui } = useRoom();
  return (
    <li>
      <button type="button" class="more-line" onClick={() => ui.openPanel(panel)}>
        <Icon path={icon} size={22} /><span>{t(`room.${panel}`)}</span>{count > 0 && <span class="quiet">{count}</span>}
      </button>
    </li>
  );
}

function ReactionRow(): JSX.Element {
  const { store } = useRoom();
  return (
    <div class="reaction-row" data-emoji={drawsEmoji() ? 'yes' : 'no'} role="group" aria-label={c('room.reactions')}>
      {REACTIONS.map((name) => (
        <button key={name} type="button" class="icon-button" aria-label={t(`react.${name}`)} title={t(`react.${name}`)}
          onClick={() => void store.request({ kind: 'react', name })}>
          <span aria-hidden="true"><ReactionMark name={name} /></span>
        </button>
      ))}
    </div>
  );
}

/** The large picture in a window of its own; must be called from a press. */
async function openSmallWindow(): Promise<boolean> {
  const video = document.querySelector<HTMLVideoElement>('.lead video') ?? document.querySelector<HTMLVideoElement>('.stage video');
  if (video === null || !document.pictureInPictureEnabled) return false;
  try {
    if (document.pictureInPictureElement !== null) await document.exitPictureInPicture();
    else await video.requestPictureInPicture();
    return true;
  } catch {
    return false;
  }
}

export function MorePanel(): JSX.Element {
  const room = useRoom();
  const { store, ui } = room;
  const state = store.room.value;
  const may = store.may.value;
  const open = state?.polls.filter((poll) => poll.state === 'open').length ?? 0;
  const isLive = state?.session.state === 'live';
  return (
    <div class="panel-body">
      {may.has('take-part') && isLive && <ReactionRow />}
      <ul class="more-list">
        {mayShareScreen(room) && (
          <li>
            <button type="button" class="more-line" aria-pressed={store.screen.track.value !== null} onClick={() => toggleShare(room)}>
              <Icon path={roomIcons.screen} size={22} /><span>{t('room.share')}</span>
            </button>
          </li>
        )}
        <PanelLine panel="people" icon={roomIcons.people} count={state?.peers.length ?? 0} />
        <PanelLine panel="questions" icon={roomIcons.question} count={state?.questions.filter((one) => one.state === 'open').length ?? 0} />
        <PanelLine panel="polls" icon={roomIcons.poll} count={open} />
        <PanelLine panel="agenda" icon={roomIcons.agenda} />
        <PanelLine panel="slides" icon={roomIcons.slides} count={state?.slides.decks.length ?? 0} />
        <PanelLine panel="captions" icon={roomIcons.captions} />
        {may.has('moderate') && <PanelLine panel="host" icon={roomIcons.host} count={state?.lobby.length ?? 0} />}
      </ul>
      <fieldset class="choices">
        <legend>{t('room.layout')}</legend>
        {LAYOUTS.map((layout) => (
          <label key={layout} class="choice">
            <input type="radio" name="more-layout" checked={ui.layout.value === layout} onChange={() => ui.setLayout(layout)} />
            {t(`settings.layout-${layout}`)}
          </label>
        ))}
      </fieldset>
      <ul class="more-list">
        {document.pictureInPictureEnabled && isLive && (
          <li>
            <button type="button" class="more-line" onClick={() => {
              void openSmallWindow().then((isOpen) => { if (!isOpen) announce(c('room.pip-failed'), 'assertive'); });
            }}><Icon path={roomIcons.pip} size={22} /><span>{c('room.pip')}</span></button>
          </li>
        )}
        <li>
          <button type="button" class="more-line" aria-haspopup="dialog" onClick={() => { ui.dialog.value = 'settings'; }}>
            <Icon path={roomIcons.settings} size={22} /><span>{t('room.settings')}</span>
          </button>
        </li>
        <li>
          <button type="button" class="more-line" aria-haspopup="dialog" onClick={() => { ui.dialog.value = 'keys'; }}>
            <Icon path={roomIcons.keys} size={22} /><span>{t('room.keys')}</span>
          </button>
        </li>
      </ul>
    </div>
  );
}
