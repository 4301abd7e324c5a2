import type { JSX } from 'preact';
import { pickText } from '../../i18n/bilingual';
import { formatBytes, formatClock } from '../../i18n/format';
import { t } from '../../i18n/products';
import type { Player } from '../../player/player';
import { api } from '../../protocol/api';
import type { Product } from '../../protocol/products';
import { useResource } from '../parts/hooks';
import { Marked } from '../parts/parts';

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return '';
  }
}

function Item({ product, player }: { product: Product; player: Player | null }): JSX.Element {
  const title = pickText(product.title_en, product.title_ja);
  return (
    <li>
      <a href={product.url} target="_blank" rel="noreferrer noopener">{title !== null && <Marked text={title} />}</a>{' '}
      <span class="quiet">({product.kind === 'pdf' ? t('products.pdf', { size: formatBytes(product.bytes) })
        : t('products.outside', { host: hostOf(product.url) })})</span>
      {player !== null && product.at_ms.length > 0 && (
        <p class="product-moments"><span class="quiet">{t('products.at')}</span>
          {product.at_ms.map((ms) => (
            <button key={ms} type="button" class="film-time" onClick={() => player.seek(ms / 1000)}
              aria-label={t('products.jump', { time: formatClock(ms / 1000) })}>{formatClock(ms / 1000)}</button>
          ))}</p>
      )}
    </li>
  );
}

/** What belongs to the film, with jumps to the moments that it is about. */
export function Products({ recording, token, player }: {
  recording: string; token: string | null; player: Player | null;
}): JSX.Element | null {
  const { resource } = useResource(`products ${recording}`, (signal) => api.products(signal, recording, token));
  if (resource.state !== 'ready' || resource.value.items.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="products-heading">
      <h2 id="products-heading">{t('products.title')}</h2>
      <ul class="city-questions">{resource.value.items.map((one) => <Item key={one.id} product={one} player={player} />)}</ul>
    </section>
  );
}
