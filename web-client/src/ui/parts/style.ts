/** Style sheets of screens that are loaded on demand. */

const sheets = new Map<string, Promise<void>>();

function loadStyle(name: string): Promise<void> {
  const known = sheets.get(name);
  if (known !== undefined) return known;
  const url = STYLE_URLS[name];
  if (url === undefined) return Promise.resolve();
  const sheet = new Promise<void>((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = url;
    link.addEventListener('load', () => resolve(), { once: true });
    link.addEventListener('error', () => {
      link.remove();
      sheets.delete(name);
      reject(new Error(`style sheet ${name} did not load`));
    }, { once: true });
    document.head.append(link);
  });
  sheets.set(name, sheet);
  return sheet;
}

/** The screen, when both its code and its style sheet are there: nothing is drawn unstyled. */
export async function withStyle<T>(name: string, screen: Promise<T>): Promise<T> {
  const [ready] = await Promise.all([screen, loadStyle(name)]);
  return ready;
}
