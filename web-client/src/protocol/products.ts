/** Documents and links of a film (docs/protocol.md, 2.9). */
import { DecodeError, knownItems, list, number, object, oneOf, string, withDefault, type Decoder } from './decode';

export interface Product {
  id: string;
  kind: 'link' | 'pdf';
  title_en: string;
  title_ja: string;
  url: string;
  bytes: number;
  /** In the film that is there. */
  at_ms: number[];
  /** In what was captured. */
  captured_ms: number[];
}

/** A path on this server, or an address of the web: nothing that runs script. */
const address: Decoder<string> = (value, path) => {
  const url = string(value, path);
  if (!/^(https?:\/\/[^/]|\/[^/\\])/.test(url)) throw new DecodeError(path, 'an address');
  return url;
};

export const decodeProducts = object<{ items: Product[] }>({
  items: knownItems(object<Product>({
    id: string, kind: oneOf('link', 'pdf'), title_en: withDefault(string, ''), title_ja: withDefault(string, ''), url: address,
    bytes: withDefault(number, 0), at_ms: withDefault(list(number), []), captured_ms: withDefault(list(number), []),
  })),
});
