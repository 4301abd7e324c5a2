// All that a change of the web client must pass: types, unit tests, and a build within the size budgets.
// Ends with one JSON line; exits non-zero when something failed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureInstalled, root } from './install.mjs';

ensureInstalled('all');
const out = mkdtempSync(path.join(tmpdir(), 'manabi-web-check-'));

function run(script, args) {
  return spawnSync(process.execPath, [path.join(root, script), ...args], { cwd: root, stdio: 'inherit' }).status === 0;
}

try {
  const result = {
    name: 'web-client-check',
    types: run('node_modules/typescript/bin/tsc', ['-p', '.'])
      && run('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.test.json']),
    tests: run('tools/test.mjs', []),
    build: run('tools/build.mjs', ['--out', path.join(out, 'dist')]),
  };
  const ok = result.types && result.tests && result.build;
  if (result.build) result.compressed_bytes = JSON.parse(readFileSync(path.join(out, 'dist/sizes.json'), 'utf8'));
  console.log(JSON.stringify({ ...result, ok }));
  process.exitCode = ok ? 0 : 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
