/** setTimeout and clearTimeout by hand, for tests of retries: time moves only by `tick`. Node 18's own mock differs from 20's. */

interface Timer {
  at: number;
  run: () => void;
}

export interface FakeTimers {
  tick: (ms: number) => void;
  restore: () => void;
}

export function useFakeTimers(): FakeTimers {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const timers = new Map<number, Timer>();
  let now = 0;
  let nextId = 1;
  const fake = {
    setTimeout: (run: () => void, ms = 0): number => {
      timers.set(nextId, { at: now + ms, run });
      return nextId++;
    },
    clearTimeout: (id: number | undefined): void => {
      if (id !== undefined) timers.delete(id);
    },
  };
  Object.assign(globalThis, fake);
  return {
    tick: (ms) => {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
        if (due === undefined) break;
        timers.delete(due[0]);
        now = due[1].at;
        due[1].run();
      }
      now = end;
    },
    restore: () => void Object.assign(globalThis, real),
  };
}
