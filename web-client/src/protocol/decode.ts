/**
 * Names what comes from the network. A decoder takes `unknown` and returns its type or throws DecodeError with
 * the path of what did not fit. Unknown fields are ignored, so an older client goes on with a newer server.
 */
export type Decoder<T> = (value: unknown, path: string) => T;

export class DecodeError extends Error {
  constructor(path: string, expected: string) {
    super(`${path || 'message'}: expected ${expected}`);
    this.name = 'DecodeError';
  }
}

export const string: Decoder<string> = (value, path) => {
  if (typeof value !== 'string') throw new DecodeError(path, 'a string');
  return value;
};

export const number: Decoder<number> = (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new DecodeError(path, 'a number');
  return value;
};

export const boolean: Decoder<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new DecodeError(path, 'true or false');
  return value;
};

/** An RFC 3339 time. */
export const time: Decoder<Date> = (value, path) => {
  const at = new Date(string(value, path));
  if (Number.isNaN(at.getTime())) throw new DecodeError(path, 'a time');
  return at;
};

/** A path on this server: what is put into `src` and `href` must not lead elsewhere or run script. */
export const localUrl: Decoder<string> = (value, path) => {
  const url = string(value, path);
  if (!url.startsWith('/') || url.startsWith('//') || url.includes('\\')) {
    throw new DecodeError(path, 'a path on this server');
  }
  return url;
};

export function nullable<T>(inner: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === null || value === undefined ? null : inner(value, path));
}

/** Absent or null becomes `fallback`. */
export function withDefault<T>(inner: Decoder<T>, fallback: T): Decoder<T> {
  return (value, path) => (value === undefined || value === null ? fallback : inner(value, path));
}

export function oneOf<const T extends string>(...allowed: readonly T[]): Decoder<T> {
  return (value, path) => {
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) throw new DecodeError(path, allowed.join(', '));
    return found;
  };
}

export function list<T>(inner: Decoder<T>): Decoder<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new DecodeError(path, 'a list');
    return value.map((item, index) => inner(item, `${path}[${index}]`));
  };
}

/** As `list`, but leaves out what it does not understand (a role or kind of a newer server). */
export function knownItems<T>(inner: Decoder<T>): Decoder<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new DecodeError(path, 'a list');
    return value.flatMap((item, index) => {
      try {
        return [inner(item, `${path}[${index}]`)];
      } catch (error) {
        if (error instanceof DecodeError) return [];
        throw error;
      }
    });
  };
}

type Fields<T> = { readonly [Name in keyof T]-?: Decoder<T[Name]> };

export function object<T>(fields: Fields<T>): Decoder<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new DecodeError(path, 'an object');
    }
    const source = value as Readonly<Record<string, unknown>>;
    const result = {} as T;
    for (const name of names) {
      result[name] = fields[name](source[name], path === '' ? name : `${path}.${name}`);
    }
    return result;
  };
}
