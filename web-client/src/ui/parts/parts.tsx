/** Small pieces that every screen uses. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { errorText, t } from '../../i18n/common';
import { language, LANGUAGES, setLanguage } from '../../i18n/language';
import { guessLanguage, otherText, pickText, type MarkedText } from '../../i18n/bilingual';
import { languageName } from '../../i18n/format';
import type { ApiError } from '../../protocol/api';
import { Icon, icons } from './icon';

/** Text with its language, marked only where it differs from the page's. */
export function Marked({ text }: { text: MarkedText }): JSX.Element {
  return text.lang === language.value ? <>{text.text}</> : <span lang={text.lang}>{text.text}</span>;
}

/** What a person wrote (a name, a message): marked with the language it seems to be in. */
export function PersonText({ text }: { text: string }): JSX.Element {
  const lang = guessLanguage(text);
  return lang === undefined || lang === language.value ? <>{text}</> : <span lang={lang}>{text}</span>;
}

export function BilingualTitle({ en, ja }: { en: string; ja: string }): JSX.Element | null {
  const text = pickText(en, ja);
  return text === null ? null : <Marked text={text} />;
}

export function OtherTitle({ en, ja }: { en: string; ja: string }): JSX.Element | null {
  const text = otherText(en, ja);
  return text === null ? null : <p class="other-title" lang={text.lang}>{text.text}</p>;
}

/** The screen's only h1. Takes the focus when the screen opens, so that a screen reader says where we are. */
export function PageHeading({ children, isQuiet = false }: { children: ComponentChildren; isQuiet?: boolean }): JSX.Element {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isQuiet && focusHeadingOnOpen) ref.current?.focus({ preventScroll: true });
    focusHeadingOnOpen = true;
  }, []);
  return <h1 ref={ref} tabIndex={-1}>{children}</h1>;
}

/** The first screen of a page load leaves the focus where the browser puts it. */
let focusHeadingOnOpen = false;

export function LanguageSwitch(): JSX.Element {
  return (
    <div class="language-switch" role="group" aria-label={t('app.language')}>
      {LANGUAGES.map((one) => (
        <button key={one} type="button" lang={one} aria-pressed={language.value === one}
          onClick={() => setLanguage(one)}>
          {languageName(one)}
        </button>
      ))}
    </div>
  );
}

export function Loading(): JSX.Element {
  return (
    <div class="state" role="status">
      <span class="spinner" aria-hidden="true" />
      <p>{t('app.loading')}</p>
    </div>
  );
}

interface StateProps {
  icon?: string;
  title: string;
  text?: string | undefined;
  /** It is all that the page shows: its heading is the page's. */
  isPage?: boolean;
  children?: ComponentChildren;
}

/** An empty, failed or finished state: what it is, and what to do. */
export function StateBox({ icon = icons.info, title, text, isPage = false, children }: StateProps): JSX.Element {
  return (
    <div class="state">
      <span class="state-icon"><Icon path={icon} size={32} /></span>
      {isPage ? <PageHeading>{title}</PageHeading> : <h2>{title}</h2>}
      {text !== undefined && <p>{text}</p>}
      {children}
    </div>
  );
}

export function Failed({ error, onRetry, isPage = false }: {
  error: ApiError; onRetry?: () => void; isPage?: boolean;
}): JSX.Element {
  return (
    <div role="alert">
      <StateBox icon={error.code === 'network' ? icons.offline : icons.warning}
        title={t('error.title')} text={errorText(error.code)} isPage={isPage}>
        {onRetry !== undefined && (
          <button type="button" class="button" onClick={onRetry}>{t('app.retry')}</button>
        )}
      </StateBox>
    </div>
  );
}

/** The error of one action, beside its button. */
export function ActionError({ error }: { error: ApiError | null }): JSX.Element {
  return (
    <div role="alert" class={error === null ? 'action-error is-empty' : 'action-error'}>
      {error !== null && <><Icon path={icons.warning} size={20} /><span>{errorText(error.code)}</span></>}
    </div>
  );
}

export function LanguageBadges({ tags }: { tags: readonly string[] }): JSX.Element | null {
  if (tags.length === 0) return null;
  return (
    <span class="badges">
      {tags.map((tag) => (
        <span key={tag} class="badge" lang={tag}>{languageName(tag)}</span>
      ))}
    </span>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

/**
 * A native modal dialog: traps the focus, Esc closes, and the focus goes back where it was. A browser that has seen no
 * press for a while closes it without asking (no `cancel`, only `close`): both end in onClose.
 */
export function Dialog({ title, onClose, children }: DialogProps): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    const dialog = ref.current;
    dialog?.showModal();
    return () => {
      // What lies under an open modal dialog is inert and takes no focus: it closes first.
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={ref} class="dialog" aria-labelledby="dialog-title"
      onCancel={(event) => { event.preventDefault(); onClose(); }}
      onClose={() => { if (ref.current !== null) onClose(); }}
      onClick={(event) => { if (event.target === event.currentTarget) onClose(); }}>
      <div class="dialog-body">
        <h2 id="dialog-title">{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  isDanger?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

export function ConfirmDialog({ title, text, action, isDanger = false, onConfirm, onClose }: ConfirmProps): JSX.Element {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>{t('app.cancel')}</button>
        <button type="button" class={isDanger ? 'button is-danger' : 'button is-primary'}
          onClick={() => { onClose(); onConfirm(); }}>{action}</button>
      </div>
    </Dialog>
  );
}
