/** After the session, for who may host: numbers, results of polls, and files to keep. */
import type { JSX } from 'preact';
import { useContext, useState } from 'preact/hooks';
import { c } from '../../../i18n/classroom';
import { t as common } from '../../../i18n/common';
import { formatCount } from '../../../i18n/texts';
import { ROLES } from '../../../protocol/objects';
import { loadSummary, type SessionSummary as Summary } from '../../../protocol/summary';
import { pollShares } from '../../../store/classroom-state';
import { Icon, icons } from '../../parts/icon';
import { useResource } from '../../parts/hooks';
import { PersonText } from '../../parts/parts';
import { SummaryContext } from '../summary-context';

async function download(path: string, name: string, token: string): Promise<boolean> {
  try {
    const response = await fetch(path, { headers: { Authorization: `Bearer ${token}` } });
    if (!response.ok) return false;
    const url = URL.createObjectURL(await response.blob());
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    // The browser reads it after this turn.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    return true;
  } catch {
    return false;
  }
}

function Files({ summary, token }: { summary: Summary; token: string }): JSX.Element {
  const [hasFailed, setFailed] = useState(false);
  return (
    <>
      <h3>{c('summary.files')}</h3>
      <div class="person-actions">
        {summary.files.map((file) => (
          <button key={file.name} type="button" class="button"
            onClick={() => void download(file.path, file.name, token).then((isDone) => setFailed(!isDone))}>
            <Icon path={icons.arrow} size={20} />{file.name}
          </button>
        ))}
      </div>
      {hasFailed && <p class="field-error" role="alert">{c('summary.file-failed')}</p>}
    </>
  );
}

export function SessionSummary(): JSX.Element | null {
  const context = useContext(SummaryContext);
  const { resource } = useResource(`summary ${context?.session ?? ''}`, async (signal) =>
    (context === null ? null : loadSummary(signal, context.session, context.token)));
  if (context === null || resource.state !== 'ready' || resource.value === null) return null;
  const summary = resource.value;
  return (
    <section class="panel" aria-labelledby="summary-heading">
      <h2 id="summary-heading">{c('summary.title')}</h2>
      <ul class="plain-list">
        <li>{c('summary.people', { total: formatCount(summary.people.total), peak: formatCount(summary.people.peak) })}
          {' '}<span class="quiet">({ROLES.filter((role) => (summary.people.by_role[role] ?? 0) > 0)
            .map((role) => `${common(`role.${role}`)} ${formatCount(summary.people.by_role[role] ?? 0)}`).join(', ')})</span></li>
        <li>{c('summary.talk', { chat: formatCount(summary.chat), hands: formatCount(summary.hands) })}</li>
        <li>{c('summary.questions', { total: formatCount(summary.questions.total), answered: formatCount(summary.questions.answered) })}</li>
      </ul>
      {summary.polls.map((poll) => (
        <div key={poll.id}>
          <p><b><PersonText text={poll.text} /></b> <span class="quiet">{c.count('polls.voters', poll.voters)}</span></p>
          <ul>
            {poll.options.map((option, index) => (
              <li key={index}><PersonText text={c('polls.result', {
                option, count: formatCount(poll.votes?.[index] ?? 0), percent: pollShares(poll)?.[index] ?? 0,
              })} /></li>
            ))}
          </ul>
        </div>
      ))}
      {summary.files.length > 0 && <Files summary={summary} token={context.token} />}
    </section>
  );
}
