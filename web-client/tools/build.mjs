// Builds the web client: node tools/build.mjs [--out DIR] [--stamp FILE] [--depfile FILE]
//   DIR/index.html           not cached; names everything else
//   DIR/assets/NAME-HASH.*   never change content: cached for a year
//   DIR/**/*.gz              the same, compressed once, for nginx's gzip_static
// Exits with an error when a screen's compressed size is above its budget. MANABI_TEST=1 in the environment
// makes a test build: pages then have window.manabiTest (src/ui/room/test-hook.ts).
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { ensureInstalled, root } from './install.mjs';

/** Compressed bytes a visitor loads for the screen, everything counted (ui.md's budgets). */
const BUDGET_KB = { home: 40, room: 80, watch: 300 };
const SCREEN_MODULES = {
  home: null, // part of main
  room: 'src/ui/room/room-screen.tsx',
  watch: 'src/ui/watch/watch-screen.tsx',
  staff: 'src/ui/staff/staff-screen.tsx',
};

const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: path.join(root, 'dist') },
    stamp: { type: 'string' },
    depfile: { type: 'string' },
  },
});

ensureInstalled('build');
const { build } = await import('esbuild');

const outDir = path.resolve(options.out);
const workDir = `${outDir}.new`;
rmSync(workDir, { recursive: true, force: true });
mkdirSync(workDir, { recursive: true });

const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  metafile: true,
  outdir: workDir,
  target: ['chrome105', 'firefox115', 'safari16'],
  logLevel: 'warning',
  legalComments: 'none',
};

// Styles first: the scripts ask for them by their hashed names.
const styleNames = readdirSync(path.join(root, 'src/styles')).filter((name) => name.endsWith('.css') && !name.endsWith('.part.css'));
const styles = await build({
  ...shared,
  entryPoints: Object.fromEntries(
    styleNames.map((name) => [name.replace(/\.css$/, ''), `src/styles/${name}`])),
  entryNames: 'assets/[name]-[hash]',
});
const styleUrls = {};
for (const [file, output] of Object.entries(styles.metafile.outputs)) {
  if (output.entryPoint) {
    styleUrls[path.basename(output.entryPoint, '.css')] = `/${relative(file)}`;
  }
}

const scripts = await build({
  ...shared,
  entryPoints: { main: 'src/main.tsx' },
  entryNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  format: 'esm',
  splitting: true,
  sourcemap: 'external',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  define: {
    STYLE_URLS: JSON.stringify(styleUrls),
    IS_TEST_BUILD: JSON.stringify(process.env.MANABI_TEST === '1'),
  },
});

function relative(file) {
  return path.relative(workDir, path.resolve(root, file)).split(path.sep).join('/');
}

const outputs = new Map(
  Object.entries(scripts.metafile.outputs).map(([file, output]) => [relative(file), output]));

/** The file and all it imports at once (not what it loads on demand). */
function closure(file, into = new Set()) {
  if (into.has(file)) return into;
  into.add(file);
  for (const used of outputs.get(file)?.imports ?? []) {
    if (used.kind === 'import-statement') closure(relative(used.path), into);
  }
  return into;
}

function outputOf(entryPoint) {
  for (const [file, output] of outputs) if (output.entryPoint === entryPoint) return file;
  throw new Error(`no output for ${entryPoint}`);
}

const mainScripts = closure(outputOf('src/main.tsx'));
const PLAIN_FILES = ['embed.css', 'icon.svg'];
for (const file of PLAIN_FILES) writeFileSync(path.join(workDir, file), readFileSync(path.join(root, 'public', file)));
const head = [
  `<link rel="stylesheet" href="${styleUrls.main}">`,
  ...[...mainScripts].slice(1).map((file) => `<link rel="modulepreload" href="/${file}">`),
  `<script type="module" src="/${outputOf('src/main.tsx')}"></script>`,
].join('\n');
const template = readFileSync(path.join(root, 'public/index.html'), 'utf8');
writeFileSync(path.join(workDir, 'index.html'), template.replace('<!-- assets -->', head));

const compressed = new Map();
for (const file of listFiles(workDir)) {
  if (file.endsWith('.map')) continue;
  const bytes = gzipSync(readFileSync(path.join(workDir, file)), { level: 9 });
  compressed.set(file, bytes.length);
  writeFileSync(path.join(workDir, `${file}.gz`), bytes);
}

function listFiles(folder, prefix = '') {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => entry.isDirectory()
    ? listFiles(path.join(folder, entry.name), `${prefix}${entry.name}/`)
    : [`${prefix}${entry.name}`]);
}

function screenBytes(name) {
  const files = new Set(['index.html', 'icon.svg', styleUrls.main.slice(1), ...mainScripts]);
  if (SCREEN_MODULES[name] !== null) closure(outputOf(SCREEN_MODULES[name]), files);
  if (name === 'watch') closure(outputOf('node_modules/hls.js/dist/hls.mjs'), files);
  if (styleUrls[name]) files.add(styleUrls[name].slice(1));
  let sum = 0;
  for (const file of files) sum += compressed.get(file) ?? 0;
  return sum;
}

const sizes = Object.fromEntries(Object.keys(SCREEN_MODULES).map((name) => [name, screenBytes(name)]));
const over = Object.entries(BUDGET_KB).filter(([name, limit]) => sizes[name] > limit * 1024);
writeFileSync(path.join(workDir, 'sizes.json'), `${JSON.stringify(sizes)}\n`);
console.log(JSON.stringify({
  name: 'bundle-size',
  compressed_bytes: sizes,
  budget_kb: BUDGET_KB,
  ok: over.length === 0,
}));
if (over.length > 0) {
  console.error(`over budget: ${over.map(([name, limit]) => `${name} is ${sizes[name]} bytes, allowed ${limit} KiB`).join('; ')}`);
  process.exit(1);
}

// A server may be sending from the folder: swap whole folders, then drop the old one.
const oldDir = `${outDir}.old`;
rmSync(oldDir, { recursive: true, force: true });
try {
  renameSync(outDir, oldDir);
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
renameSync(workDir, outDir);
rmSync(oldDir, { recursive: true, force: true });

if (options.depfile && options.stamp) {
  const inputs = new Set(['package.json', 'package-lock.json', 'public/index.html', ...PLAIN_FILES.map((file) => `public/${file}`)]);
  for (const file of ['build.mjs', 'install.mjs']) inputs.add(`tools/${file}`);
  for (const meta of [styles.metafile, scripts.metafile]) {
    for (const file of Object.keys(meta.inputs)) if (!/^(node_modules\/|<?define:)/.test(file)) inputs.add(file);
  }
  const names = [...inputs].map((file) => path.join(root, file).replace(/ /g, '\\ '));
  writeFileSync(options.depfile, `${options.stamp}: ${names.join(' ')}\n`);
}
if (options.stamp) writeFileSync(options.stamp, `${JSON.stringify(sizes)}\n`);
