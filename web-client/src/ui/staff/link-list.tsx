import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { formatDate, formatTimeSpan, viewerTimeZone } from '../../i18n/format';
import { language, type Language } from '../../i18n/language';
import { t } from '../../i18n/staff';
import { api } from '../../protocol/api';
import { ROLES, type LearningEvent, type Link, type Role } from '../../protocol/objects';
import { announce } from '../../store/announcer';
import { useAction, useResource } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { ActionError, ConfirmDialog, Failed, Loading, PersonText } from '../parts/parts';
import { SelectField, TextField } from './fields';

/** The invitation in one language: title, time in the event's zone and in UTC, and the link with that language chosen. */
export function invitationText(event: LearningEvent, url: string, lang: Language): string {
  const before = language.peek();
  // The formatters speak the interface's language: lend it to them for this text.
  language.value = lang;
  try {
    const span = formatTimeSpan(event.starts_at, event.duration_s, event.time_zone, 'UTC');
    const title = lang === 'ja' ? event.title_ja || event.title_en : event.title_en || event.title_ja;
    const address = new URL(url, location.origin);
    address.searchParams.set('lang', lang);
    return t.in(lang, 'invite.text', { title, time: span.main, viewer: span.viewer ?? '', url: address.href })
      .replace(/\n\n\n+/g, '\n\n');
  } finally {
    language.value = before;
  }
}

function CopyButton({ text, children }: { text: () => string; children: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text());
      setCopied(true);
      announce(t('links.copied'));
    } catch {
      prompt(children, text());
    }
  };
  return (
    <button type="button" class="button" onClick={() => void copy()} onBlur={() => setCopied(false)}>
      {isCopied && <Icon path={icons.check} size={20} />}{isCopied ? t('links.copied') : children}
    </button>
  );
}

function NewLink({ event, link }: { event: LearningEvent; link: Link }): JSX.Element | null {
  if (link.url === null) return null;
  const url = link.url;
  const role = common(`role.${link.role}`);
  return (
    <li class="new-link">
      <div class="new-link-text">
        <h3>{t('links.made', { role })}{link.label !== '' && <> · <PersonText text={link.label} /></>}</h3>
        <input class="new-link-url" readOnly value={url} aria-label={t('links.url', { role })}
          onFocus={(focus) => focus.currentTarget.select()} />
        <div class="form-actions">
          <CopyButton text={() => url}>{t('links.copy')}</CopyButton>
          <CopyButton text={() => invitationText(event, url, 'en')}>{t('links.copy-invite-en')}</CopyButton>
          <CopyButton text={() => invitationText(event, url, 'ja')}>{t('links.copy-invite-ja')}</CopyButton>
        </div>
      </div>
      {link.qr_svg !== null && (
        <img class="qr" src={`data:image/svg+xml,${encodeURIComponent(link.qr_svg)}`} alt={t('links.qr')} width={144} height={144} />
      )}
    </li>
  );
}

function ExistingLink({ link, token, onChanged }: { link: Link; token: string | null; onChanged: () => void }): JSX.Element {
  const action = useAction();
  const [isAsking, setAsking] = useState(false);
  const isExpired = link.expires_at !== null && link.expires_at.getTime() < Date.now();
  const isUsable = link.revoked_at === null && !isExpired;
  const role = common(`role.${link.role}`);
  const revoke = async (): Promise<void> => {
    if (await action.run((signal) => api.revokeLink(signal, link.id, token))) onChanged();
  };
  return (
    <li class={isUsable ? 'link' : 'link is-dead'}>
      <span class="link-text">
        <strong>{role}</strong>{link.label !== '' && <> · <PersonText text={link.label} /></>}
        <span class="quiet">
          {' '}{t('links.made-at', { date: formatDate(link.created_at, viewerTimeZone()) })} · {t.count('links.uses', link.uses)}
          {link.revoked_at !== null && <> · {t('links.revoked')}</>}
          {link.revoked_at === null && isExpired && <> · {t('links.expired')}</>}
        </span>
      </span>
      {isUsable && (
        <button type="button" class="small-button is-danger" aria-disabled={action.isBusy}
          aria-label={t('links.revoke-label', { role, label: link.label })}
          onClick={() => setAsking(true)}>{t('links.revoke')}</button>
      )}
      <ActionError error={action.error} />
      {isAsking && (
        <ConfirmDialog title={t('links.revoke-title')} text={t('links.revoke-what')} action={t('links.revoke')} isDanger
          onClose={() => setAsking(false)} onConfirm={() => void revoke()} />
      )}
    </li>
  );
}

export function LinkList({ event, token }: { event: LearningEvent; token: string | null }): JSX.Element {
  const action = useAction();
  const [role, setRole] = useState<Role>('participant');
  const [label, setLabel] = useState('');
  const [made, setMade] = useState<readonly Link[]>([]);
  const { resource, reload } = useResource(`links ${event.id}`, (signal) => api.links(signal, event.id, token));
  const make = async (): Promise<void> => {
    await action.run(async (signal) => {
      const link = await api.createLink(signal, event.id, { role, label: label.trim(), expires_at: null }, token);
      setMade((before) => [link, ...before]);
      setLabel('');
      reload();
    });
  };
  return (
    <section class="panel links" aria-labelledby="links-heading">
      <h2 id="links-heading">{t('links.title')}</h2>
      <p class="quiet">{t('links.what')}</p>
      <form class="link-form" onSubmit={(submit) => { submit.preventDefault(); void make(); }}>
        <SelectField id="link-role" label={t('links.role')} value={role} onChoose={setRole}
          options={ROLES.map((one) => ({ value: one, label: common(`role.${one}`) }))} />
        <TextField id="link-label" label={t('links.label')} value={label} maxLength={100} onInput={setLabel} />
        <button type="submit" class="button is-primary" aria-disabled={action.isBusy}>{t('links.make')}</button>
      </form>
      <ActionError error={action.error} />
      <ul class="new-links" aria-live="polite">{made.map((link) => <NewLink key={link.id} event={event} link={link} />)}</ul>
      <h3>{t('links.existing')}</h3>
      {resource.state === 'loading' && <Loading />}
      {resource.state === 'failed' && <Failed error={resource.error} onRetry={reload} />}
      {resource.state === 'ready' && (resource.value.items.length === 0
        ? <p class="quiet">{t('links.none')}</p>
        : <ul class="link-rows">{resource.value.items.map((link) => (
          <ExistingLink key={link.id} link={link} token={token} onChanged={reload} />
        ))}</ul>)}
    </section>
  );
}
