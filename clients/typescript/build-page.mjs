// Writes what the pages use into web/: node build-page.mjs [--check]
//
// web/client/ has these sources compiled, web/vendor/ the two libraries of the pages as one file, and web/page/ each page in
// two files, so that a phone asks five times and not twenty, and the sentences of each language in one. All are committed: a machine without Node can serve the page.
// --check compares instead, and says which files differ.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {cpSync, existsSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, dirname, join, relative} from 'node:path';
import {fileURLToPath} from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const WEB = join(HERE, '..', '..', 'web');
const tool = (name) => join(HERE, 'node_modules', '.bin', name);

function build(folder) {
  const options = {cwd: HERE, stdio: ['ignore', 'inherit', 'inherit']};
  execFileSync(tool('tsc'), ['-p', '.', '--removeComments', '--outDir', join(folder, 'client')], options);
  const banner = `--banner:js=/* ${libraries().join(', ')}: licences in LICENSES.txt */`;
  const outfile = `--outfile=${join(folder, 'vendor', 'preact-htm.js')}`;
  const bundling = ['vendored.mjs', '--bundle', '--minify', '--format=esm', '--log-level=warning', banner, outfile];
  execFileSync(tool('esbuild'), bundling, options);
}

/** Put the modules and the style of each page into one file each. */
function bundlePages(folder) {
  for (const page of ['talk', 'console']) {
    const texts = [...filesIn(join(WEB, page, 'texts'))].map((path) => `${page}-${basename(path, '.js')}=${path}`);
    const sources = [`${page}=${join(WEB, page, 'main.js')}`, `${page}=${join(WEB, page, 'style.css')}`, ...texts];
    const naming = [`--outdir=${join(folder, 'page')}`, `--chunk-names=${page}-[name]`, '--splitting'];
    const bundling = ['--bundle', '--minify', '--format=esm', '--charset=utf8', '--target=es2022', '--log-level=warning'];
    execFileSync(tool('esbuild'), [...sources, ...naming, ...bundling], {stdio: ['ignore', 'inherit', 'inherit']});
  }
  for (const script of filesIn(join(folder, 'page'))) {
    writeFileSync(script, readFileSync(script, 'utf8').replaceAll(/\n[ ]+/g, '\n')); // the indentation of templates, which htm ignores
  }
}

function libraries() {
  const versionOf = (name) => JSON.parse(readFileSync(join(HERE, 'node_modules', name, 'package.json'), 'utf8')).version;
  return ['preact', 'htm'].map((name) => `${name} ${versionOf(name)}`);
}

function* filesIn(folder) {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

function differences(built) {
  const made = [...filesIn(built)].map((path) => relative(built, path));
  const kept = ['client', 'page'].flatMap((name) => [...filesIn(join(WEB, name))]).map((path) => relative(WEB, path));
  const isSame = (name) => existsSync(join(WEB, name)) && readFileSync(join(built, name)).equals(readFileSync(join(WEB, name)));
  return [...made.filter((name) => !isSame(name)), ...kept.filter((name) => !made.includes(name))];
}

const scratch = mkdtempSync(join(tmpdir(), 'sayso-page-'));
try {
  build(scratch);
  if (process.argv.includes('--check')) {
    bundlePages(scratch);
    const found = differences(scratch);
    if (found.length > 0) {
      console.error(`not what the sources give, run \`npm run page\`: ${found.join(', ')}`);
      process.exitCode = 1;
    }
  } else {
    rmSync(join(WEB, 'client'), {recursive: true, force: true});
    cpSync(scratch, WEB, {recursive: true});
    bundlePages(WEB);
  }
} finally {
  rmSync(scratch, {recursive: true});
}
