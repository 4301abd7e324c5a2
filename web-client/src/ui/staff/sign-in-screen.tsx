import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { errorText } from '../../i18n/common';
import { t } from '../../i18n/staff';
import { api } from '../../protocol/api';
import { user } from '../../store/account';
import { navigate } from '../../store/location';
import { readTabValue, writeTabValue } from '../../store/preferences';
import { Frame } from '../frame';
import { useAction, usePageTitle } from '../parts/hooks';
import { ActionError, Loading, PageHeading } from '../parts/parts';

const PASSWORD_MIN = 12;
const PASSWORD_MAX = 128;

function PasswordForm({ onSignedIn }: { onSignedIn: (needsPassword: boolean) => void }): JSX.Element {
  const action = useAction();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const submit = async (): Promise<void> => {
    await action.run(async (signal) => {
      const me = await api.signIn(signal, { user: name.trim(), password });
      user.value = me.user;
      onSignedIn(false);
    });
  };
  return (
    <form class="panel narrow" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      <div class="field">
        <label for="user">{t('sign-in.name')}</label>
        <input id="user" name="username" autocomplete="username" required maxLength={100} value={name}
          onInput={(event) => setName(event.currentTarget.value)} />
      </div>
      <div class="field">
        <label for="password">{t('sign-in.password')}</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required
          maxLength={PASSWORD_MAX} value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
      </div>
      <ActionError error={action.error} />
      <button type="submit" class="button is-primary" aria-disabled={action.isBusy}>
        {action.isBusy ? t('sign-in.working') : t('sign-in.submit')}
      </button>
    </form>
  );
}

function NewPasswordForm({ onDone }: { onDone: () => void }): JSX.Element {
  const action = useAction();
  const [password, setPassword] = useState('');
  const [isShown, setShown] = useState(false);
  const [isTooShort, setTooShort] = useState(false);
  const submit = async (): Promise<void> => {
    if ([...password].length < PASSWORD_MIN) {
      setTooShort(true);
      return;
    }
    await action.run(async (signal) => {
      await api.setPassword(signal, password);
      if (user.value) user.value = { ...user.value, has_password: true };
      onDone();
    });
  };
  return (
    <form class="panel narrow" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      <input type="text" name="username" autocomplete="username" value={user.value?.name ?? ''} readOnly hidden />
      {user.value && <p>{t('password.name', { name: user.value.name })}</p>}
      <div class="field">
        <label for="new-password">{t('password.new')}</label>
        <p id="password-hint" class="quiet">{t('password.hint')}</p>
        <input id="new-password" name="new-password" {...(isShown ? { type: 'text' as const } : { type: 'password' as const })}
          autocomplete="new-password"
          maxLength={PASSWORD_MAX} value={password} aria-invalid={isTooShort}
          aria-describedby={isTooShort ? 'password-error' : 'password-hint'}
          onInput={(event) => { setPassword(event.currentTarget.value); setTooShort(false); }} />
        {isTooShort && <p id="password-error" class="field-error" role="alert">{t('password.too-short')}</p>}
      </div>
      <label class="choice">
        <input type="checkbox" checked={isShown} onChange={(event) => setShown(event.currentTarget.checked)} />
        {t('password.show')}
      </label>
      <ActionError error={action.error} />
      <div class="form-actions">
        <button type="submit" class="button is-primary" aria-disabled={action.isBusy}>{t('password.save')}</button>
        <button type="button" class="button" onClick={onDone}>{t('password.later')}</button>
      </div>
    </form>
  );
}

type Step = 'link' | 'form' | 'password';

export function SignInScreen(): JSX.Element {
  const linkToken = useRef(readTabValue('sign-in-token'));
  const [step, setStep] = useState<Step>(() => (linkToken.current !== null ? 'link'
    : user.value && !user.value.has_password ? 'password' : 'form'));
  const action = useAction();
  usePageTitle(step === 'password' ? t('password.title') : t('sign-in.title'));
  const signedIn = (needsPassword: boolean): void => {
    if (needsPassword) setStep('password');
    else navigate('/staff');
  };
  useEffect(() => {
    const token = linkToken.current;
    if (token === null) return;
    // It works once: gone from the tab before it is tried, so that a reload does not try it again.
    writeTabValue('sign-in-token', null);
    linkToken.current = null;
    void action.run(async (signal) => {
      const me = await api.signIn(signal, { token });
      user.value = me.user;
      signedIn(me.user !== null && !me.user.has_password);
    });
  }, []);
  if (step === 'password') {
    return (
      <Frame>
        <PageHeading>{t('password.title')}</PageHeading>
        <p class="lead-text">{t('password.intro')}</p>
        <NewPasswordForm onDone={() => navigate('/staff')} />
      </Frame>
    );
  }
  if (step === 'link' && action.error === null) return <Frame><PageHeading>{t('sign-in.title')}</PageHeading><Loading /></Frame>;
  return (
    <Frame>
      <PageHeading>{t('sign-in.title')}</PageHeading>
      {action.error !== null && (
        <div class="action-error narrow" role="alert">
          <p><strong>{t('sign-in.link-failed')}</strong><br />{errorText(action.error.code)}</p>
        </div>
      )}
      <p class="lead-text">{action.error !== null ? t('sign-in.with-password') : t('sign-in.intro')}</p>
      <PasswordForm onSignedIn={signedIn} />
    </Frame>
  );
}
