// Runs src/**/*.test.ts with node:test, bundled by esbuild. Arguments go to node (--test-name-pattern=...).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureInstalled, root } from './install.mjs';

ensureInstalled('build');
const { build } = await import('esbuild');

const entryPoints = readdirSync(path.join(root, 'src'), { recursive: true })
  .map((name) => name.split(path.sep).join('/'))
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `src/${name}`);
const outdir = mkdtempSync(path.join(tmpdir(), 'manabi-web-test-'));
try {
  await build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    outbase: 'src',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
    sourcemap: 'inline',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { STYLE_URLS: '{}', IS_TEST_BUILD: 'false' },
    logLevel: 'warning',
  });
  const files = entryPoints.map((name) => path.join(outdir, name.replace(/^src\//, '').replace(/\.ts$/, '.mjs')));
  const done = spawnSync(process.execPath,
    ['--enable-source-maps', '--test', ...process.argv.slice(2), ...files], { stdio: 'inherit' });
  process.exitCode = done.status ?? 1;
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
