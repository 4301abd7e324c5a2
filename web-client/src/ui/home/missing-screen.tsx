import type { JSX } from 'preact';
import { t } from '../../i18n/common';
import { Frame } from '../frame';
import { usePageTitle } from '../parts/hooks';
import { Icon, icons } from '../parts/icon';
import { PageHeading } from '../parts/parts';

export function MissingScreen(): JSX.Element {
  usePageTitle(t('missing.title'));
  return (
    <Frame>
      <div class="state is-page">
        <span class="state-icon"><Icon path={icons.search} size={32} /></span>
        <PageHeading>{t('missing.title')}</PageHeading>
        <p>{t('missing.what')}</p>
        <a class="button is-primary" href="/">{t('missing.home')}</a>
      </div>
    </Frame>
  );
}
