import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { clockText, parseClock } from '../../store/edit-list';

/** A time that is typed: "1:02:03". Tells NaN while what is typed is none. */
export function TimeField({ id, label, value, onInput }: {
  id: string; label: string; value: number; onInput: (ms: number) => void;
}): JSX.Element {
  const [text, setText] = useState(clockText(value));
  useEffect(() => {
    if (!Number.isNaN(value) && parseClock(text) !== value) setText(clockText(value));
  }, [value]);
  const isWrong = parseClock(text) === null;
  return (
    <div class="field time-field">
      <label for={id}>{label}</label>
      <input id={id} type="text" inputMode="text" autoComplete="off" value={text} aria-invalid={isWrong}
        onInput={(event) => {
          setText(event.currentTarget.value);
          onInput(parseClock(event.currentTarget.value) ?? Number.NaN);
        }} />
    </div>
  );
}
