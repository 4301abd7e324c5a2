// media.mjs - makes the film and sound that tests and the demonstration use, from Debian packages: a street camera and
// phone clips of opencv-doc, speech of espeak-ng, tones of ffmpeg. Everything goes into one folder, made once.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { join } from 'node:path';

const OPENCV = '/usr/share/doc/opencv-doc';

function ffmpeg(...args) {
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
}

// Runs make(temporary) unless the file is there, so that a cut run leaves nothing half-made.
function once(dir, name, make) {
  const path = join(dir, name);
  if (!existsSync(path)) {
    const temporary = join(dir, `part-${name}`);
    make(temporary);
    renameSync(temporary, path);
  }
  return path;
}

/** @returns paths: camera (street, for Chromium's fake camera), cup and box (phone films), speech and tones as WAV. */
export function makeMedia(dir) {
  mkdirSync(dir, { recursive: true });
  const clip = (name) =>
    once(dir, `${name}.mp4`, (out) => writeFileSync(out, gunzipSync(readFileSync(`${OPENCV}/opencv4/html/${name}.mp4.gz`))));
  const camera = (name, source, size) =>
    once(dir, `${name}.mjpeg`, (out) =>
      ffmpeg('-i', source, '-vf', `scale=${size}:force_original_aspect_ratio=decrease,pad=${size}:-1:-1,fps=15`, '-c:v', 'mjpeg', '-q:v', '5', '-an', '-f', 'mjpeg', out));
  const speech = (name, voice, text) =>
    once(dir, `${name}.wav`, (out) => {
      const raw = `${out}.raw.wav`;
      execFileSync('espeak-ng', ['-v', voice, '-s', '140', '-w', raw, text]);
      ffmpeg('-i', raw, '-af', 'apad=pad_dur=1', '-ar', '48000', '-ac', '1', '-f', 'wav', out);
      rmSync(raw);
    });
  const tone = (hertz) =>
    once(dir, `tone-${hertz}.wav`, (out) =>
      ffmpeg('-f', 'lavfi', '-i', `sine=frequency=${hertz}:sample_rate=48000:duration=10`, '-af', 'volume=-6dB', '-ac', '1', '-f', 'wav', out));
  const cup = clip('cup');
  const box = clip('box');
  return {
    street: camera('street', `${OPENCV}/examples/data/vtest.avi`, '640:480'),
    field: camera('field', cup, '640:360'),
    cup,
    box,
    speechEn: speech('speech-en', 'en-us', 'Welcome to Kitakyushu. Today we share how our city prepares for floods, and how neighbours help each other.'),
    speechJa: speech('speech-ja', 'ja', 'きたきゅうしゅうしへようこそ。きょうは、こうずいへのそなえと、ぼうさいのとりくみについておはなしします。'),
    tone440: tone(440),
    tone660: tone(660),
    tone880: tone(880),
  };
}
