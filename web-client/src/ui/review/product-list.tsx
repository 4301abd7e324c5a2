import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { errorText } from '../../i18n/common';
import { pickText } from '../../i18n/bilingual';
import { t } from '../../i18n/products';
import { api, type ApiError } from '../../protocol/api';
import type { Product } from '../../protocol/products';
import { announce } from '../../store/announcer';
import { clockText } from '../../store/edit-list';
import { useAction, useResource, type Action } from '../parts/hooks';
import { ConfirmDialog, Failed, Loading, Marked } from '../parts/parts';
import { TextField } from '../staff/fields';

interface ProductsProps {
  recording: string;
  token: string | null;
  /** Where the film stands, in the time of what was captured. */
  at: number;
}

function ProductError({ error }: { error: ApiError | null }): JSX.Element | null {
  if (error === null) return null;
  const key = `products.error-${error.code}`;
  return <p class="field-error" role="alert">{t.has(key) ? t(key) : errorText(error.code)}</p>;
}

function Item({ recording, token, at, product, onChanged }: ProductsProps & {
  product: Product; onChanged: (items: Product[]) => void;
}): JSX.Element {
  const [en, setEn] = useState(product.title_en);
  const [ja, setJa] = useState(product.title_ja);
  const [isAsking, setAsking] = useState(false);
  const action = useAction();
  const title = pickText(product.title_en, product.title_ja);
  const put = (body: object): Promise<boolean> => action.run(async (signal) => {
    onChanged((await api.changeProduct(signal, recording, product.id, body, token)).items);
    announce(t('products.saved'));
  });
  const remove = (): Promise<boolean> => action.run(async (signal) => {
    onChanged((await api.removeProduct(signal, recording, product.id, token)).items);
    announce(t('products.removed'));
  });
  const addMoment = (): Promise<boolean> =>
    put({ at_ms: [...new Set([...product.captured_ms, Math.round(at)])].sort((a, b) => a - b) });
  return (
    <li class="form">
      <p><a href={product.url} target="_blank" rel="noreferrer noopener">{title !== null && <Marked text={title} />}</a></p>
      <div class="field-row">
        <TextField id={`product-en-${product.id}`} lang="en" label={t('products.title-en')} value={en} onInput={setEn} />
        <TextField id={`product-ja-${product.id}`} lang="ja" label={t('products.title-ja')} value={ja} onInput={setJa} />
      </div>
      <div class="row-actions">
        {product.captured_ms.map((ms) => (
          <button key={ms} type="button" class="button" aria-disabled={action.isBusy}
            aria-label={t('products.moment-remove', { time: clockText(ms) })}
            onClick={() => void put({ at_ms: product.captured_ms.filter((one) => one !== ms) })}>{clockText(ms)} ×</button>
        ))}
        <button type="button" class="button" aria-disabled={action.isBusy} onClick={() => void addMoment()}>{t('products.moment')}</button>
        <button type="button" class="button" aria-disabled={action.isBusy}
          onClick={() => void put({ title_en: en.trim(), title_ja: ja.trim() })}>{t('products.save')}</button>
        <button type="button" class="button is-danger" aria-disabled={action.isBusy} onClick={() => setAsking(true)}>{t('products.remove')}</button>
      </div>
      <ProductError error={action.error} />
      {isAsking && (
        <ConfirmDialog title={t('products.remove-title')} text={t('products.remove-what')} action={t('products.remove')} isDanger
          onClose={() => setAsking(false)} onConfirm={() => void remove()} />
      )}
    </li>
  );
}

function AddLink({ recording, token, action, onChanged }: {
  recording: string; token: string | null; action: Action; onChanged: (items: Product[]) => void;
}): JSX.Element {
  const [url, setUrl] = useState('');
  const [en, setEn] = useState('');
  const [ja, setJa] = useState('');
  const [isWrong, setWrong] = useState(false);
  const add = async (): Promise<void> => {
    const isBad = !/^https?:\/\/[^/\s]/.test(url.trim()) || (en.trim() === '' && ja.trim() === '');
    setWrong(isBad);
    if (isBad) return;
    const isDone = await action.run(async (signal) => {
      onChanged((await api.addLink(signal, recording, { url: url.trim(), title_en: en.trim(), title_ja: ja.trim() }, token)).items);
      announce(t('products.added'));
    });
    if (!isDone) return;
    setUrl('');
    setEn('');
    setJa('');
  };
  return (
    <details><summary>{t('products.add-link')}</summary>
      <div class="form">
        <TextField id="link-url" label={t('products.address')} value={url} maxLength={2000} onInput={setUrl}
          error={isWrong ? t('products.bad-link') : null} />
        <TextField id="link-en" lang="en" label={t('products.title-en')} value={en} onInput={setEn} />
        <TextField id="link-ja" lang="ja" label={t('products.title-ja')} value={ja} onInput={setJa} />
        <div><button type="button" class="button" aria-disabled={action.isBusy} onClick={() => void add()}>{t('products.add')}</button></div>
      </div>
    </details>
  );
}

/** Documents and links of a film, to be added, named, tied to moments and removed. */
export function ProductList({ recording, token, at }: ProductsProps): JSX.Element {
  const { resource, reload, setValue } = useResource(`products of ${recording}`, (signal) => api.products(signal, recording, token));
  const action = useAction();
  const onChanged = (items: Product[]): void => setValue({ items });
  const bring = (file: File): Promise<boolean> => action.run(async (signal) => {
    onChanged((await api.addDocument(signal, recording, file, token)).items);
    announce(t('products.added'));
  });
  return (
    <section class="panel" aria-labelledby="product-list-heading">
      <h2 id="product-list-heading">{t('products.title')}</h2>
      <p class="quiet">{t('products.what')}</p>
      {resource.state === 'loading' && <Loading />}
      {resource.state === 'failed' && <Failed error={resource.error} onRetry={reload} />}
      {resource.state === 'ready' && resource.value.items.length === 0 && <p class="quiet">{t('products.none')}</p>}
      {resource.state === 'ready' && (
        <ul class="city-questions">
          {resource.value.items.map((one) => (
            <Item key={one.id} recording={recording} token={token} at={at} product={one} onChanged={onChanged} />
          ))}
        </ul>
      )}
      <div class="field">
        <label for="product-file">{t('products.add-pdf')}</label>
        <input id="product-file" type="file" accept=".pdf,application/pdf" disabled={action.isBusy}
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = '';
            if (file !== undefined) void bring(file);
          }} />
      </div>
      <AddLink recording={recording} token={token} action={action} onChanged={onChanged} />
      <ProductError error={action.error} />
    </section>
  );
}
