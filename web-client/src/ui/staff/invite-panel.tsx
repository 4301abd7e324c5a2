/** Invitations by mail: a link of his own for each person, and what became of the messages. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { formatDate, languageName, viewerTimeZone } from '../../i18n/format';
import { LANGUAGES, language, type Language } from '../../i18n/language';
import { t } from '../../i18n/staff';
import { api } from '../../protocol/api';
import { ROLES, type Invitation, type Invitations, type LearningEvent, type Role } from '../../protocol/objects';
import { announce } from '../../store/announcer';
import { PEOPLE_MAX, parsePeople } from '../../store/invite-list';
import { useAction, useResource } from '../parts/hooks';
import { ActionError, PersonText } from '../parts/parts';
import { SelectField, TextField } from './fields';

const REASONS = ['refused', 'relay-down', 'relay-refused', 'not-now', 'link-revoked'] as const;

function save(invitation: Invitation): void {
  const url = URL.createObjectURL(new Blob([invitation.eml ?? ''], { type: 'message/rfc822' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${invitation.address.replace(/[^\w.@-]/g, '_')}.eml`;
  link.click();
  // The browser reads it after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function reasonText(invitation: Invitation): string {
  const { reason } = invitation;
  if (reason === null) return '';
  const known = REASONS.find((one) => one === reason.code);
  return known === undefined ? reason.detail : t(`invite.reason.${known}`, { detail: reason.detail });
}

function Row({ invitation }: { invitation: Invitation }): JSX.Element {
  const reason = reasonText(invitation);
  return (
    <li class={invitation.state === 'failed' ? 'link is-dead' : 'link'} data-mail={invitation.state}>
      <span class="link-text">
        <strong><PersonText text={invitation.name} /></strong> · {invitation.address} · {common(`role.${invitation.role}`)}
        <span class="quiet">
          {' '}{t(`invite.state.${invitation.state}`)} · {formatDate(invitation.sent_at ?? invitation.created_at, viewerTimeZone())}
        </span>
        {reason !== '' && <span class="field-error"> {reason}</span>}
      </span>
      {invitation.eml !== null && (
        <button type="button" class="small-button" aria-label={t('invite.save-label', { name: invitation.name })}
          onClick={() => save(invitation)}>{t('invite.save')}</button>
      )}
    </li>
  );
}

export function InvitePanel({ event, token, onInvited }: {
  event: LearningEvent; token: string | null; onInvited: () => void;
}): JSX.Element {
  const action = useAction();
  const [role, setRole] = useState<Role>('participant');
  const [mailLanguage, setMailLanguage] = useState<Language>(language.value);
  const [text, setText] = useState('');
  const [note, setNote] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [made, setMade] = useState<Invitations | null>(null);
  const { resource, reload } = useResource(`invitations ${event.id}`, (signal) => api.invitations(signal, event.id, token));
  const hasRelay = resource.state === 'ready' && resource.value.has_relay;
  const invite = async (): Promise<void> => {
    const { people, wrong } = parsePeople(text);
    const problem = wrong.length > 0 ? t('invite.wrong', { line: wrong[0] ?? '' })
      : people.length === 0 ? t('invite.nobody')
      : people.length > PEOPLE_MAX ? t('invite.too-many', { max: PEOPLE_MAX }) : null;
    setError(problem);
    if (problem !== null) {
      document.getElementById('invite-people')?.focus();
      return;
    }
    await action.run(async (signal) => {
      const body = { role, note: note.trim(), people: people.map((one) => ({ ...one, language: mailLanguage })) };
      setMade(await api.invite(signal, event.id, body, token));
      announce(t.count('invite.done', people.length));
      setText('');
      reload();
      onInvited();
    });
  };
  const fresh = new Map(made?.items.map((one) => [one.id, one]));
  return (
    <section class="panel links" aria-labelledby="invite-heading">
      <h2 id="invite-heading">{t('invite.title')}</h2>
      <p class="quiet">{t(hasRelay ? 'invite.what' : 'invite.what-alone')}</p>
      <form class="form" onSubmit={(submit) => { submit.preventDefault(); void invite(); }}>
        <TextField id="invite-people" label={t('invite.people')} hint={t('invite.people-hint')} value={text} isLong maxLength={16000}
          error={error} onInput={setText} />
        <SelectField id="invite-role" label={t('invite.role')} value={role} onChoose={setRole}
          options={ROLES.map((one) => ({ value: one, label: common(`role.${one}`) }))} />
        <SelectField id="invite-language" label={t('invite.language')} value={mailLanguage} onChoose={setMailLanguage}
          options={LANGUAGES.map((one) => ({ value: one, label: languageName(one) }))} />
        <TextField id="invite-note" label={t('invite.note')} value={note} isLong maxLength={2000} onInput={setNote} />
        <div class="form-actions">
          <button type="submit" class="button is-primary" aria-disabled={action.isBusy}>{t(hasRelay ? 'invite.send' : 'invite.make')}</button>
        </div>
      </form>
      <ActionError error={action.error} />
      {resource.state === 'ready' && resource.value.items.length > 0 && (
        <>
          <h3>{t('invite.list')} <button type="button" class="small-button" onClick={reload}>{t('invite.reload')}</button></h3>
          <ul class="link-rows">{resource.value.items.map((one) => <Row key={one.id} invitation={{ ...one, eml: fresh.get(one.id)?.eml ?? null }} />)}</ul>
        </>
      )}
    </section>
  );
}
