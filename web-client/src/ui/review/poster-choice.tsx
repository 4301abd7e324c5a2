import type { JSX } from 'preact';
import { t } from '../../i18n/review';
import type { PosterChoice } from '../../protocol/objects';

/** Which picture stands for the film, of those that the film's making proposed. */
export function PosterChoices({ posters, isBusy, onChoose }: {
  posters: readonly PosterChoice[]; isBusy: boolean; onChoose: (poster: PosterChoice) => void;
}): JSX.Element | null {
  if (posters.length < 2) return null;
  return (
    <section class="panel" aria-labelledby="poster-heading">
      <h2 id="poster-heading">{t('review.poster')}</h2>
      <p class="quiet">{t('review.poster-what')}</p>
      <fieldset class="review-posters" aria-labelledby="poster-heading" aria-busy={isBusy}>
        {posters.map((poster) => (
          <label key={poster.number}>
            <input type="radio" name="poster" checked={poster.is_chosen} disabled={isBusy} onChange={() => onChoose(poster)} />
            <img src={poster.url} alt={t('review.poster-n', { n: poster.number })} width={240} height={135} />
          </label>
        ))}
      </fieldset>
    </section>
  );
}
