// node build.mjs [OUT]: bundles src into ../built (or OUT). The same sources and lockfile give the same bytes.
import { build } from 'esbuild'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const out = process.argv[2] ?? join(here, '../built')
const common = {
  bundle: true, minify: true, write: false, target: ['chrome110', 'firefox110', 'safari16.4'], charset: 'utf8',
  legalComments: 'none', absWorkingDir: here, jsx: 'automatic', jsxImportSource: 'preact', logLevel: 'warning',
}
const worker = (await build({ ...common, entryPoints: ['src/worker.js'], format: 'iife' })).outputFiles[0].text
const asText = {
  name: 'worker as text',
  setup(builder) {
    builder.onResolve({ filter: /^worker-text$/ }, () => ({ path: 'worker', namespace: 'worker' }))
    builder.onLoad({ filter: /.*/, namespace: 'worker' }, () => ({ contents: worker, loader: 'text' }))
  },
}
const page = await build({
  ...common, entryPoints: { page: 'src/main.jsx' }, outdir: 'out', format: 'iife', plugins: [asText],
})
for (const file of page.outputFiles) {
  // what closes a script element must not stand in one
  const text = file.text.replaceAll('</script', '<\\/script').trimEnd() + '\n'
  writeFileSync(join(out, file.path.endsWith('.css') ? 'page.css' : 'page.js'), text)
}
const packages = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')).dependencies
const licences = [...Object.keys(packages), '@preact/signals-core'].sort().map((name) => {
  const folder = join(here, 'node_modules', name)
  const version = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version
  return `${name} ${version}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n`
})
writeFileSync(join(out, 'LICENCES.txt'), licences.join('\n' + '-'.repeat(80) + '\n\n'))
