// tones.mjs - sound by pitch: who sends which tone, what a page plays of it and how loud, and how long it was silent.
import { byRole, heardTones, press } from './browser.mjs';
import { until } from './server.mjs';

/** Noise suppression eats a steady tone within seconds: from now on the page's microphone sends the tone as it is. */
export const plainTone = (page, hertz, { hasCamera = false } = {}) => page.evaluateOnNewDocument((pitch, mayFilm) => {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    if (!constraints.audio) {
      if (mayFilm) return real(constraints);
      throw new DOMException('no camera', 'NotFoundError');
    }
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: pitch });
    const volume = new GainNode(context, { gain: 0.2 });
    const output = context.createMediaStreamDestination();
    tone.connect(volume).connect(output);
    tone.start();
    await context.resume();
    return output.stream;
  };
}, hertz, hasCamera);

/** Joins by a role link with the microphone on, and no camera. */
export async function joinWithTone(page, link, name, hertz) {
  await plainTone(page, hertz);
  await page.goto(link);
  await (await page.waitForSelector('#name')).type(name);
  await press(page, 'button', 'Set up camera and microphone');
  const microphone = await byRole(page, 'button', 'Microphone');
  if (await microphone.evaluate((one) => one.getAttribute('aria-pressed')) !== 'true') await microphone.click();
  await press(page, 'button', 'Join');
  await byRole(page, 'button', 'Leave', { deadlineMs: 20000 });
}

/** What is played now: the pitch and volume of everything that is not silent. */
export const playing = async (page) => (await heardTones(page)).filter((one) => one.decibels !== null && one.decibels > -75);

const isNear = (tone, hertz) => Math.abs(tone.hertz - hertz) <= 24;

/** Waits until the tone is played at a volume for which isVolume() is true; says what was played instead. */
export const playsTone = (page, hertz, isVolume = () => true, { deadlineMs = 20000 } = {}) => until(`${hertz} Hz at the right level`, async () => {
  const now = await playing(page);
  const found = now.find((one) => isNear(one, hertz));
  if (found !== undefined && isVolume(found.volume)) return found;
  throw new Error(`it plays ${JSON.stringify(now)}`);
}, { everyMs: 200, deadlineMs });

export const isWithoutTone = (page, hertz, { deadlineMs = 20000 } = {}) => until(`no ${hertz} Hz`, async () => {
  const now = await playing(page);
  if (!now.some((one) => isNear(one, hertz))) return true;
  throw new Error(`it plays ${JSON.stringify(now)}`);
}, { everyMs: 200, deadlineMs });

/**
 * Begins to look for silence: the time of the sound itself is measured, in steps of 10 ms, so that a page that is late with
 * looking sees no gap where there is none. Heard counts as much as the element that plays it is loud.
 */
export const watchTones = (page, pitches) => page.evaluate(async (hertz) => {
  const audio = new AudioContext({ sampleRate: 48000 });
  await audio.resume();
  const STEP = 480;
  const steps = new Map(); // step of the time line -> { pitch: amplitude }
  const amplitude = (samples, from, pitch) => {
    let re = 0;
    let im = 0;
    for (let i = 0; i < STEP; i++) {
      const angle = (2 * Math.PI * pitch * i) / audio.sampleRate;
      re += samples[from + i] * Math.cos(angle);
      im += samples[from + i] * Math.sin(angle);
    }
    return (2 * Math.hypot(re, im)) / STEP;
  };
  const nodes = [];
  for (const element of document.querySelectorAll('audio[data-mid]')) {
    if (!element.srcObject || element.srcObject.getAudioTracks().length === 0) continue;
    const source = audio.createMediaStreamSource(element.srcObject);
    const node = audio.createScriptProcessor(4096, 1, 1);
    let rest = new Float32Array(0);
    node.onaudioprocess = ({ inputBuffer, playbackTime }) => {
      const block = inputBuffer.getChannelData(0);
      const first = Math.round((playbackTime * audio.sampleRate) / STEP) ;
      const samples = new Float32Array(rest.length + block.length);
      samples.set(rest);
      samples.set(block, rest.length);
      let at = 0;
      for (let step = 0; at + STEP <= samples.length; at += STEP, step++) {
        const entry = steps.get(first + step) ?? steps.set(first + step, {}).get(first + step);
        for (const pitch of hertz) entry[pitch] = Math.max(entry[pitch] ?? 0, amplitude(samples, at, pitch) * element.volume);
      }
      rest = samples.slice(at);
    };
    source.connect(node);
    node.connect(audio.destination);
    nodes.push(source, node);
  }
  window.testWatch = { audio, steps, nodes };
}, pitches);

/** @returns the longest time in which none of the pitches was heard, between the first and the last that was, and which were heard */
export const endWatch = (page) => page.evaluate(async () => {
  const LOUD = 0.005; // the tones are sent with an amplitude of 0.2
  const { audio, steps } = window.testWatch;
  await audio.close();
  const order = [...steps.keys()].sort((a, b) => a - b);
  const heard = {};
  let longest = 0;
  let silent = 0;
  let hasBegun = false;
  for (const key of order) {
    const entry = steps.get(key);
    for (const [pitch, level] of Object.entries(entry)) if (level > LOUD) heard[pitch] = (heard[pitch] ?? 0) + 1;
    if (Object.values(entry).some((level) => level > LOUD)) {
      if (hasBegun) longest = Math.max(longest, silent);
      hasBegun = true;
      silent = 0;
    } else {
      silent++;
    }
  }
  return { longestMs: longest * 10, heardMs: Object.fromEntries(Object.entries(heard).map(([pitch, count]) => [pitch, count * 10])), steps: order.length };
});
