// Brings node_modules to what package-lock.json says, with install scripts off. A run that finds the
// lock unchanged costs nothing. `build` needs esbuild and the libraries only; `all` adds the type
// checker and the browser driver.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const marker = path.join(root, 'node_modules', '.manabi-installed');
const lock = path.join(root, '.install-lock');
const LOCK_STALE_MS = 5 * 60 * 1000;

function wantedHash() {
  return createHash('sha256').update(readFileSync(path.join(root, 'package-lock.json'))).digest('hex');
}

/** 'build', 'all', or null when node_modules is absent or of another lock file. */
function installed() {
  try {
    const [hash, what] = readFileSync(marker, 'utf8').trim().split(' ');
    return hash === wantedHash() ? what : null;
  } catch {
    return null;
  }
}

function suffices(what) {
  const have = installed();
  return have === 'all' || have === what;
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Two builds of one tree may start at once (ninja and a test): the second waits for the first. */
function takeLock() {
  for (;;) {
    try {
      mkdirSync(lock);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    try {
      if (Date.now() - statSync(lock).mtimeMs > LOCK_STALE_MS) rmdirSync(lock);
    } catch {
      // gone meanwhile
    }
    sleep(200);
  }
}

export function ensureInstalled(what) {
  if (suffices(what)) return;
  takeLock();
  try {
    if (suffices(what)) return;
    const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    if (what === 'build') flags.push('--omit=dev');
    const done = spawnSync('npm', flags, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    if (done.error) throw new Error(`npm could not be started (${done.error.message}); install nodejs and npm`);
    if (done.status !== 0) {
      throw new Error('npm ci failed: the packages of web-client/package-lock.json could not be installed; '
        + 'check the network connection, or build with -Dweb_client=false');
    }
    writeFileSync(marker, `${wantedHash()} ${what}\n`);
  } finally {
    rmdirSync(lock);
  }
}

// node web-client/tools/install.mjs [build|all]
if (process.argv[1] === fileURLToPath(import.meta.url)) ensureInstalled(process.argv[2] ?? 'all');
