// encoder.mjs - real encoders in the field for tests and the demonstration: ffmpeg, sending as a camera would.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const FILM = '/usr/share/doc/opencv-doc/opencv4/html/cup.mp4.gz'; // Debian's opencv-doc
let film;

/** A real film of a camera, unpacked once. */
export function cameraFilm() {
  if (film && existsSync(film)) return film;
  film = join(mkdtempSync(join(tmpdir(), 'manabi-film-')), 'cup.mp4');
  writeFileSync(film, gunzipSync(readFileSync(FILM)));
  return film;
}

/** Whether this ffmpeg speaks a protocol. */
export const canSend = (protocol) => spawnSync('ffmpeg', ['-v', 'error', '-protocols']).stdout.toString().split(/\s+/).includes(protocol);

const CAMERA = ['-re', '-stream_loop', '-1', '-i'];
const TONE = ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'];
const CODECS = ['-map', '0:v', '-map', '1:a', '-vf', 'scale=640:360,fps=15', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency',
  '-pix_fmt', 'yuv420p', '-g', '15', '-b:v', '600k', '-c:a', 'aac', '-b:a', '64k'];

export class Encoder {
  /** Sends the film in a loop, with a tone, to url ('srt://...?streamid=...' or 'rtmp://...'). */
  static start(url, { audio = true, video = true } = {}) {
    const encoder = new Encoder();
    const format = url.startsWith('rtmp') ? 'flv' : url.startsWith('rtsp') ? 'rtsp' : 'mpegts';
    const codecs = CODECS.join(' ').split(' ');
    const args = ['-v', 'error', ...CAMERA, cameraFilm(), ...TONE, ...codecs, ...(audio ? [] : ['-an']), ...(video ? [] : ['-vn']), '-f', format, url];
    encoder.said = '';
    encoder.child = spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    encoder.child.stderr.on('data', (data) => (encoder.said += data));
    encoder.ended = new Promise((resolve) => encoder.child.on('exit', resolve));
    encoder.hasEnded = false;
    encoder.ended.then(() => (encoder.hasEnded = true));
    return encoder;
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
