import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { pickText } from '../../i18n/bilingual';
import { formatDate, formatTime, viewerTimeZone } from '../../i18n/format';
import { t } from '../../i18n/publishing';
import { t as staff } from '../../i18n/staff';
import { api } from '../../protocol/api';
import type { AuditRow } from '../../protocol/publishing';
import { user } from '../../store/account';
import { Frame } from '../frame';
import { useAction, usePageTitle, useResource } from '../parts/hooks';
import { ActionError, Failed, Loading, Marked, PageHeading, PersonText, StateBox } from '../parts/parts';

function actionText(action: string): string {
  const key = `audit.a-${action}`;
  return t.has(key) ? t(key) : action;
}

function whoText(row: AuditRow): string {
  if (row.actor.startsWith('link:')) return t('audit.link');
  return row.actor === 'system' || row.actor === '' ? t('audit.system') : row.actor_name;
}

function ObjectCell({ row }: { row: AuditRow }): JSX.Element {
  const title = pickText(row.title_en, row.title_ja);
  const film = /^recording:([0-9a-hjkmnp-tv-z]{26})$/.exec(row.object)?.[1];
  if (title !== null && film !== undefined) return <a href={`/review/${film}`}><Marked text={title} /></a>;
  return <span class="quiet" translate={false}>{row.object}</span>;
}

function Rows({ first, hasMore }: { first: readonly AuditRow[]; hasMore: boolean }): JSX.Element {
  const [older, setOlder] = useState<readonly AuditRow[]>([]);
  const [isMore, setMore] = useState(hasMore);
  const action = useAction();
  const rows = [...first, ...older];
  const zone = viewerTimeZone();
  const load = (): Promise<boolean> => action.run(async (signal) => {
    const page = await api.audit(signal, rows.at(-1)?.seq ?? 0);
    setOlder((before) => [...before, ...page.items]);
    setMore(page.more);
  });
  return (
    <>
      <div class="table-box" tabIndex={0} role="group" aria-label={t('audit.title')}>
        <table role="table">
          <thead role="rowgroup"><tr role="row">
            <th role="columnheader" scope="col">{t('audit.when')}</th><th role="columnheader" scope="col">{t('audit.who')}</th>
            <th role="columnheader" scope="col">{t('audit.action')}</th><th role="columnheader" scope="col">{t('audit.object')}</th>
          </tr></thead>
          <tbody role="rowgroup">
            {rows.map((row) => (
              <tr role="row" key={row.seq} data-action={row.action}>
                <th role="rowheader" scope="row"><time dateTime={row.at.toISOString()}>{formatDate(row.at, zone)} {formatTime(row.at, zone)}</time></th>
                <td role="cell" data-label={t('audit.who')}><PersonText text={whoText(row)} /></td>
                <td role="cell" data-label={t('audit.action')}>{actionText(row.action)}</td>
                <td role="cell" data-label={t('audit.object')}><ObjectCell row={row} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {isMore && <div><button type="button" class="button" aria-disabled={action.isBusy} onClick={() => void load()}>{t('audit.older')}</button></div>}
      <ActionError error={action.error} />
    </>
  );
}

function Audit(): JSX.Element {
  const { resource, reload } = useResource('audit', (signal) => api.audit(signal, 0));
  if (resource.state === 'loading') return <Loading />;
  if (resource.state === 'failed') return <Failed error={resource.error} onRetry={reload} />;
  return <Rows first={resource.value.items} hasMore={resource.value.more} />;
}

/** Who did what, for administrators. */
export function AuditScreen(): JSX.Element {
  usePageTitle(t('audit.title'));
  const who = user.value;
  return (
    <Frame isWide>
      {who === undefined && <Loading />}
      {who !== undefined && who?.is_admin !== true && <StateBox isPage title={t('audit.need-admin')} />}
      {who?.is_admin === true && (
        <>
          <p><a href="/staff">{staff('staff.title')}</a></p>
          <PageHeading>{t('audit.title')}</PageHeading>
          <p>{t('audit.what')}</p>
          <Audit />
        </>
      )}
    </Frame>
  );
}
