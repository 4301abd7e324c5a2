/** What lazy-part.tsx loads in one go. */
export { AgendaPanel } from './agenda-panel';
export { CaptionsPanel } from './captions-panel';
export { ChatPanel } from './chat-panel';
export { HostPanel } from './host-panel';
export { InterpreterConsole } from './interpreter-console';
export { KeysDialog } from './keys-dialog';
export { ListenPanel } from './listen-panel';
export { MorePanel } from './more-panel';
export { PeoplePanel } from './people-panel';
export { PollsPanel } from './polls-panel';
export { QuestionsPanel } from './questions-panel';
export { SessionSummary } from './session-summary';
export { SettingsDialog } from './settings-dialog';
export { SlidesPanel } from './slides-panel';
export { SlideStage } from './slide-stage';
