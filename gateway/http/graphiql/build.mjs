// Bundle GraphiQL into a few files with hashed names, and list in manifest.json those that the page loads.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const OUT = 'dist';
const WORKERS = {
  EDITOR_WORKER: 'monaco-editor/esm/vs/editor/editor.worker.js',
  JSON_WORKER: 'monaco-editor/esm/vs/language/json/json.worker.js',
  GRAPHQL_WORKER: 'monaco-graphql/esm/graphql.worker.js',
};
const COMMON = {
  bundle: true,
  minify: true,
  metafile: true,
  outdir: OUT,
  target: ['chrome120', 'firefox120', 'safari17'],
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'none', // the licences are in a separate file
  logLevel: 'warning',
};


// Packages without a licence text, and the package from the same repository that has it.
const TEXT_IN = {
  '@graphiql/plugin-doc-explorer': 'graphiql',
  '@graphiql/plugin-explorer': 'graphiql',
  '@graphiql/plugin-history': 'graphiql',
  'react-compiler-runtime': 'react',
  'react-remove-scroll-bar': 'react-remove-scroll',
};

await rm(OUT, { recursive: true, force: true });

// A worker is one file, so that its policy can forbid it to load anything.
const workers = await Promise.all(
  Object.values(WORKERS).map((entry) =>
    build({ ...COMMON, entryPoints: [entry], format: 'iife', entryNames: '[name]-[hash]' }),
  ),
);
const fileOf = (result, entry) =>
  Object.entries(result.metafile.outputs).find(([, output]) => output.entryPoint?.endsWith(entry))[0];
const workerFiles = Object.fromEntries(
  Object.entries(WORKERS).map(([name, entry], index) => [
    name,
    JSON.stringify(`./${basename(fileOf(workers[index], entry))}`),
  ]),
);

const page = await build({
  ...COMMON,
  entryPoints: { explorer: 'src/main.jsx' },
  format: 'esm',
  splitting: true, // rarely used parts, such as the formatter, are loaded on demand
  jsx: 'automatic',
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  // The names that GraphiQL imports are CommonJS files, whose parsers an ES module cannot import.
  alias: {
    'prettier/parser-babel': 'prettier/plugins/babel',
    'prettier/parser-graphql': 'prettier/plugins/graphql',
  },
  loader: { '.ttf': 'file', '.woff2': 'file' },
  define: { ...COMMON.define, ...workerFiles },
});
const script = fileOf(page, 'src/main.jsx');
const style = page.metafile.outputs[script].cssBundle;

const text = await licences([page, ...workers]);
const licenceFile = `licences-${createHash('sha256').update(text).digest('hex').slice(0, 8)}.txt`;
await writeFile(join(OUT, licenceFile), text);
const files = [];
for (const file of (await readdir(OUT)).sort()) {
  const path = join(OUT, file);
  if (file.endsWith('.css') && file !== basename(style)) {
    await rm(path); // of a part that is loaded on demand: the page's style sheet has its rules
    continue;
  }
  files.push(file);
  await writeFile(`${path}.gz`, gzipSync(await readFile(path), { level: 9 }));
  await rm(path);
}
await writeFile(join(OUT, 'licences.txt'), text); // uncompressed, for readers of the package
const manifest = {
  sources: process.argv[2] ?? '', // the fingerprint of the sources, to check if the bundle is up to date
  script: basename(script),
  style: basename(style),
  licences: licenceFile,
  files,
};
await writeFile(join(OUT, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);

/** Return the licence of every package in the bundle, with its text. */
async function licences(results) {
  const inputs = results.flatMap(({ metafile }) =>
    Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)),
  );
  const folders = new Set(inputs.map(packageFolder).filter(Boolean));
  const packages = await Promise.all([...folders].map(readPackage));
  packages.sort((one, other) => (one.name < other.name ? -1 : 1));
  const rule = '='.repeat(80);
  return packages
    .map(({ name, version, license, texts }) =>
      [rule, `${name} ${version} (${license})`, rule, '', ...texts].join('\n'),
    )
    .join('\n');
}

function packageFolder(input) {
  const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
  return folder;
}

async function readPackage(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const texts = await licenceTexts(TEXT_IN[name] ? join('node_modules', TEXT_IN[name]) : folder);
  if (!license || !texts.length) throw new Error(`${name} has no licence text`);
  return { name, version, license, texts };
}

async function licenceTexts(folder) {
  const names = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice|third)/i.test(file));
  return Promise.all(names.sort().map((file) => readFile(join(folder, file), 'utf8')));
}
