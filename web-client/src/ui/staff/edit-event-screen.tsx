/** Planning an event and editing it: staff with their account, a facilitator with the link of this tab. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t as common } from '../../i18n/common';
import { t } from '../../i18n/staff';
import { api, ApiError } from '../../protocol/api';
import type { LearningEvent } from '../../protocol/objects';
import { heldLink, tokenFor, user } from '../../store/account';
import { announce } from '../../store/announcer';
import { copyOfEvent, emptyEventForm, eventFormOf, toEventFields, wrongFields, type EventFormField, type EventFormValues } from '../../store/event-form';
import { navigate, query, type Route } from '../../store/location';
import { loadTaxonomy } from '../../store/taxonomy';
import { Frame } from '../frame';
import { useAction, usePageTitle, useResource } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { ActionError, BilingualTitle, Failed, Loading, PageHeading, StateBox } from '../parts/parts';
import { EventForm } from './event-form';
import { FeedPanel } from './feed-panel';
import { InvitePanel } from './invite-panel';
import { LinkList } from './link-list';

function Editor({ event, token, start, onSaved }: {
  event: LearningEvent | null; token: string | null;
  /** What a new event begins with. */
  start?: EventFormValues;
  onSaved?: (event: LearningEvent) => void;
}): JSX.Element {
  const action = useAction();
  const [values, setValues] = useState(() => (event === null ? start ?? emptyEventForm(new Date()) : eventFormOf(event)));
  const [wrong, setWrong] = useState<readonly EventFormField[]>([]);
  const [isSaved, setSaved] = useState(false);
  useEffect(() => {
    if (wrong.length > 0) document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [wrong]);
  const save = async (): Promise<void> => {
    const nowWrong = wrongFields(values);
    setWrong(nowWrong);
    const fields = toEventFields(values);
    if (fields === null) {
      announce(t('edit.wrong'), 'assertive');
      return;
    }
    await action.run(async (signal) => {
      if (event === null) {
        const made = await api.createEvent(signal, fields);
        navigate(`/staff/events/${made.id}`, { replace: true });
        return;
      }
      const changed = await api.changeEvent(signal, event.id, fields, token);
      onSaved?.(changed);
      setSaved(true);
      announce(t('edit.saved'));
    });
  };
  return (
    <form class="form" noValidate onSubmit={(submit) => { submit.preventDefault(); void save(); }}>
      <EventForm values={values} wrong={wrong} onChange={(change) => {
        setSaved(false);
        setValues((before) => ({ ...before, ...change }));
      }} />
      {wrong.length > 0 && <p class="field-error" role="alert">{t('edit.wrong')}</p>}
      <ActionError error={action.error} />
      <div class="form-actions">
        <button type="submit" class="button is-primary is-large" aria-disabled={action.isBusy}>
          {event === null ? t('edit.create') : t('edit.save')}
        </button>
        {isSaved && <span class="saved"><Icon path={icons.check} size={20} />{t('edit.saved')}</span>}
      </div>
    </form>
  );
}

function Existing({ id, token }: { id: string; token: string | null }): JSX.Element {
  const [invited, setInvited] = useState(0);
  const { resource, reload, setValue } = useResource(`edit ${id}`, async (signal) => {
    const event = await api.event(signal, id, token);
    if (!event.may.edit) throw new ApiError('not-allowed', 403, 'this event may not be edited');
    return event;
  });
  if (resource.state === 'loading') return <Loading />;
  if (resource.state === 'failed') {
    return resource.error.status === 403 || resource.error.status === 404 || resource.error.status === 401
      ? <StateBox icon={icons.info} title={t('edit.not-allowed')} text={t('edit.not-allowed-what')} />
      : <Failed error={resource.error} onRetry={reload} />;
  }
  const event = resource.value;
  return (
    <>
      <p class="lead-text"><BilingualTitle en={event.title_en} ja={event.title_ja} /></p>
      <p class="form-actions">
        <a class="button" href={`/events/${event.id}`}>{t('edit.view')}</a>
        {user.value && <a class="button" href={`/staff/events/new?from=${event.id}`}>{t('edit.copy')}</a>}
        {heldLink()?.event === event.id && <a class="button" href="/join">{t('edit.go-room')}</a>}
      </p>
      <InvitePanel event={event} token={token} onInvited={() => setInvited(invited + 1)} />
      <LinkList key={invited} event={event} token={token} />
      <FeedPanel event={event} token={token} />
      <Editor event={event} token={token} onSaved={setValue} />
    </>
  );
}

function NewEvent(): JSX.Element {
  const from = new URLSearchParams(query.value).get('from');
  return from === null ? <Editor event={null} token={null} /> : <Copied key={from} from={from} />;
}

function Copied({ from }: { from: string }): JSX.Element {
  const { resource, reload } = useResource(`copy ${from}`, (signal) => api.event(signal, from));
  if (resource.state === 'loading') return <Loading />;
  if (resource.state === 'failed') return <Failed error={resource.error} onRetry={reload} />;
  return <Editor event={null} token={null} start={copyOfEvent(resource.value, new Date())} />;
}

export function EditEventScreen({ route }: { route: Route }): JSX.Element {
  const id = route.screen === 'edit-event' ? route.event : null;
  useEffect(() => void loadTaxonomy().catch(() => undefined), []);
  usePageTitle(id === null ? t('edit.new') : t('edit.title'));
  const who = user.value;
  const token = id !== null && who === null ? tokenFor(id) : null;
  const needsSignIn = who === null && token === null;
  return (
    <Frame>
      {who === undefined && <Loading />}
      {who !== undefined && needsSignIn && (
        <StateBox isPage title={id === null ? t('staff.need-sign-in') : t('edit.not-allowed')}
          text={id === null ? undefined : t('edit.not-allowed-what')}>
          <a class="button is-primary" href="/sign-in">{common('app.sign-in')}</a>
        </StateBox>
      )}
      {who !== undefined && !needsSignIn && (
        <>
          <PageHeading>{id === null ? t('edit.new') : t('edit.title')}</PageHeading>
          {id === null ? <NewEvent /> : <Existing key={id} id={id} token={token} />}
        </>
      )}
    </Frame>
  );
}
