// node run_wasm.mjs ENGINE FOLDER: runs FOLDER/module.wasm with what FOLDER/run.json says, into FOLDER/out.bin
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [engine, folder] = process.argv.slice(2)
const { Engine } = await import(pathToFileURL(engine))
const run = JSON.parse(readFileSync(`${folder}/run.json`, 'utf8'))
const doubles = (text) => new Float64Array(new Uint8Array(Buffer.from(text, 'base64')).buffer)
const rows = (text, length) =>
  Array.from({ length: text.length ? doubles(text).length / length : 0 }, (_, i) => doubles(text).subarray(i * length, (i + 1) * length))
const series = doubles(run.member_series)
const points = doubles(run.times).length
const values = new Engine(new WebAssembly.Module(readFileSync(`${folder}/module.wasm`)), run.facts).run({
  constants: doubles(run.constants), times: doubles(run.times), step: run.step, save: run.save, members: run.members,
  seed: run.seed, varying: rows(run.varying, run.members), tables: { data: doubles(run.tables), index: run.table_index },
  seriesRows: series.length / points / run.members,
  series: (into, first, count, padded) => {
    for (let row = 0; row < series.length / run.members; row++)
      for (let i = 0; i < padded; i++) into[row * padded + i] = series[row * run.members + first + Math.min(i, count - 1)]
  },
})
writeFileSync(`${folder}/out.bin`, new Uint8Array(values.buffer))
