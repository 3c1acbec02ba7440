// Drives a WebAssembly module of the model. The memory interface is told in talent_sd/engine/llvm/wasm.py.
// Nothing here knows what the numbers mean.

const ALIGN = 64
const BLOCK = 256 // members in one call: what a call needs stays within some 20 MB

export class Engine {
  /** @param module a compiled WebAssembly.Module; @param facts its layout, as Python wrote it */
  constructor(module, facts) {
    this.facts = facts
    this.calls = new WebAssembly.Instance(module, { env: Math }).exports
    this.heap = this.calls.__heap_base.value
  }

  /**
   * Run members.
   *
   * run.constants  Float64Array, one for each slot
   * run.times      Float64Array, the points of time; run.step, the time step
   * run.save       indices of the points to keep
   * run.tables     {data: Float64Array, index: BigInt64Array or Int32Array}: lookups, packed by Python
   * run.members    how many; run.varying, one row of members for each varying constant
   * run.seriesRows how many inputs differ by member and point; run.series(into, first, count, padded) writes
   *                them (rows x points x padded); without it they are 0
   *
   * Returns Float64Array (outputs x saved x members).
   */
  run(run) {
    const saved = run.save.length
    const rows = this.facts.uniform_outputs.length + this.facts.member_outputs.length
    const values = new Float64Array(rows * saved * run.members)
    const shared = this.#shared(run)
    this.#uniform(run, shared, values)
    if (this.facts.member_outputs.length)
      for (let first = 0; first < run.members; first += BLOCK)
        this.#members(run, shared, values, first, Math.min(BLOCK, run.members - first))
    return values
  }

  #take(doubles) {
    const at = this.top
    this.top = Math.ceil((at + 8 * Math.max(1, doubles)) / ALIGN) * ALIGN
    const missing = this.top - this.calls.memory.buffer.byteLength
    if (missing > 0) this.calls.memory.grow(Math.ceil(missing / 65536))
    return at
  }

  #put(array) {
    const at = this.#take(array.length)
    new Float64Array(this.calls.memory.buffer, at, array.length).set(array)
    return at
  }

  #putIntegers(array) {
    const at = this.#take(array.length)
    new BigInt64Array(this.calls.memory.buffer, at, array.length).set(Array.from(array, BigInt))
    return at
  }

  #shared(run) {
    this.top = Math.ceil(this.heap / ALIGN) * ALIGN
    const points = run.times.length
    const due = new Array(points).fill(-1)
    run.save.forEach((point, i) => (due[point] = i))
    return {
      constants: this.#put(run.constants), times: this.#put(run.times), due: this.#putIntegers(due), series: 0,
      tables: this.#put(run.tables.data), table_index: this.#putIntegers(run.tables.index),
      kept: this.#take(this.facts.kept), record: this.#take(this.facts.record * points),
      points, n_saved: run.save.length, seed: run.seed ?? 0, member_offset: 0, dt: run.step,
    }
  }

  #call(part, fields, members, points) {
    const layout = this.facts
    const width = part ? layout.width : 1
    const scratch = this.#take(layout.scratch[part] + layout.delays[part] * points * width)
    const args = this.#take(layout.fields.length)
    const view = new DataView(this.calls.memory.buffer, args)
    layout.fields.forEach((name, i) => {
      if (name === 'dt') view.setFloat64(8 * i, fields.dt, true)
      else view.setBigInt64(8 * i, BigInt(fields[name] ?? 0), true)
    })
    this.calls[part ? 'members' : 'uniform'](args, 0n, BigInt(members), scratch)
  }

  #uniform(run, shared, values) {
    const rows = this.facts.uniform_outputs
    const saved = run.save.length
    const out = this.#take(Math.max(1, rows.length) * saved)
    this.#call(0, { ...shared, out, bad: this.#take(1), stride_in: 1, stride_out: 1 }, 1, run.times.length)
    const found = new Float64Array(this.calls.memory.buffer, out, rows.length * saved)
    rows.forEach((row, rank) => {
      for (let i = 0; i < saved; i++) {
        const to = (row * saved + i) * run.members
        values.fill(found[rank * saved + i], to, to + run.members)
      }
    })
  }

  #members(run, shared, values, first, count) {
    const { member_outputs: rows, width } = this.facts
    const saved = run.save.length
    const points = run.times.length
    const padded = Math.ceil(count / width) * width
    const start = this.top
    const varying = this.#take(run.varying.length * padded)
    const into = new Float64Array(this.calls.memory.buffer, varying, run.varying.length * padded)
    run.varying.forEach((row, k) => {
      for (let i = 0; i < padded; i++) into[k * padded + i] = row[first + Math.min(i, count - 1)]
    })
    const series = this.#take(run.seriesRows * points * padded)
    const noise = new Float64Array(this.calls.memory.buffer, series, run.seriesRows * points * padded)
    if (run.series) run.series(noise, first, count, padded)
    else noise.fill(0)
    const out = this.#take(rows.length * saved * padded)
    const fields = { ...shared, member_offset: first, varying, member_series: series, out, bad: this.#take(padded) }
    this.#call(1, { ...fields, stride_in: padded, stride_out: padded }, padded, points)
    const found = new Float64Array(this.calls.memory.buffer, out, rows.length * saved * padded)
    rows.forEach((row, rank) => {
      for (let i = 0; i < saved; i++) {
        const from = (rank * saved + i) * padded
        values.set(found.subarray(from, from + count), (row * saved + i) * run.members + first)
      }
    })
    this.top = start
  }
}
