// The city model: a plan becomes constants, constants become runs. Every number comes from Python or the engine.
import { Engine } from './engine.js'

/**
 * A plan is {city, national, values}: values are numbers by slot of the program, in place of the city's own.
 */
export class Model {
  constructor(content, modules) {
    this.content = content
    this.header = content.header
    this.engines = Object.fromEntries(
      Object.entries(modules).map(([name, module]) => [name, new Engine(module, this.header.modules[name].facts)]),
    )
    const h = this.header
    this.times = content.doubles(h.times)
    this.nodes = between(this.times, h.middles)
    this.places = new Map(h.slots.names.map((name, slot) => [name, slot]))
    this.rows = new Map() // "variable" or "variable[element,...]" -> row of a fan
    for (const { name, rows } of h.saved.fan)
      for (const [i, key] of this.elements(name).entries()) this.rows.set(key, rows[i])
    const each = Math.round(QUARTER / h.step)
    this.quarters = Array.from(this.times.keys()).filter((i) => i % each === 0)
  }

  static async load(content, names = Object.keys(content.header.modules)) {
    const modules = {}
    for (const name of names) modules[name] = await WebAssembly.compile(content.bytes(content.header.modules[name].code))
    return new Model(content, modules)
  }

  /** "variable[element]" of each element, in the order of rows. */
  elements(variable) {
    const dims = this.header.variables[variable]?.dims ?? []
    let found = ['']
    for (const dim of dims) found = found.flatMap((head) => this.header.subscripts[dim].map((e) => (head ? `${head},${e}` : e)))
    return dims.length ? found.map((element) => `${variable}[${element}]`) : [variable]
  }

  path(plan) {
    const paths = this.header.cities[plan.city].paths
    return { first: Object.values(paths)[0], own: paths[plan.national] }
  }

  constants(plan) {
    const found = this.content.doubles(this.header.constants).slice()
    const { first, own } = this.path(plan)
    for (const part of first === own ? [own] : [first, own]) {
      const values = this.content.doubles(part.values)
      part.at.forEach((slot, i) => (found[slot] = values[i]))
    }
    for (const [slot, value] of Object.entries(plan.values)) found[slot] = value
    return found
  }

  /** Values of the varying constants in some draws; what a plan sets keeps its value, a factor multiplies it. */
  drawn(plan, constants, draws) {
    const { own } = this.path(plan)
    const { shared } = this.header
    const kept = new Set(own.shared)
    const scaled = new Set(own.scaled)
    return this.header.varying.map((slot) => {
      const column = (place, times = 1) => {
        const values = this.content.doubles(place)
        return Float64Array.from(draws, (draw) => values[draw] * times)
      }
      if (scaled.has(slot)) return column(shared.factors[slot], constants[slot])
      if (slot in plan.values || !(kept.has(slot) || slot in own.own)) return new Float64Array(draws.length).fill(constants[slot])
      return column(own.own[slot] ?? shared.values[slot])
    })
  }

  noise(plan, draws) {
    const { first, own } = this.path(plan)
    const packed = own.noise ?? first.noise
    const years = this.header.middles.length
    const points = this.times.length
    const series = this.header.series.map((slot) => packed[slot] && this.content.doubles(packed[slot]))
    return (into, from, count, padded) => {
      series.forEach((values, row) => {
        for (let i = 0; i < padded; i++) {
          const at = draws[from + Math.min(i, count - 1)] * years
          for (let p = 0; p < points; p++) {
            const { left, right, share } = this.nodes[p]
            const low = values[at + left], high = values[at + right]
            into[(row * points + p) * padded + i] = share === 1 ? high : low + share * (high - low)
          }
        }
      })
    }
  }

  tables(name) {
    const table = this.header.tables[name]
    return { data: this.content.doubles(table.data), index: table.index }
  }

  request(plan, constants) {
    return { constants, times: this.times, step: this.header.step, save: this.header.save, tables: this.tables(plan.national) }
  }

  /** One run with the model's own constants: rows of the fan x years. */
  central(plan, save = this.header.save) {
    const constants = this.constants(plan)
    const varying = this.header.varying.map((slot) => [constants[slot]])
    return this.engines.fan.run({ ...this.request(plan, constants), save, members: 1, varying, seriesRows: this.header.series.length })
  }

  /** The same with every variable: rows of the whole x years. */
  whole(plan, save = this.header.save) {
    const constants = this.constants(plan)
    return this.engines.whole.run({ ...this.request(plan, constants), save, members: 1, varying: [], seriesRows: 0 })
  }

  /** Policy -> yuan a year at full strength (else while it is on), in prices of one year and without any cap: `size` of a plan file. */
  sizes(plan, basis) {
    const { sizing, saved, subscripts } = this.header
    const values = this.whole(plan, this.quarters)
    const n = this.quarters.length
    const rows = (name) => (saved.whole.find((one) => one.name === name)?.rows ?? []).map((row) => values.subarray(row * n, (row + 1) * n))
    const [wished, levels, [prices]] = [sizing.wished, sizing.level, sizing.prices].map(rows)
    const at = this.quarters.reduce((near, point, i) => (Math.abs(this.times[point] - basis) < Math.abs(this.times[this.quarters[near]] - basis) ? i : near), 0)
    const real = (row, i) => row[i] * (prices ? prices[at] / prices[i] : 1)
    const over = (row, kept) => (kept.length ? kept.reduce((sum, i) => sum + real(row, i), 0) / kept.length : 0)
    return new Map(subscripts.policy?.map((policy, p) => {
      const points = (least) => [...levels[p].keys()].filter((i) => least(levels[p][i]))
      const full = points((level) => level >= 1)
      return [policy, over(wished[p], full.length ? full : points((level) => level > 0))]
    }))
  }

  /**
   * Many draws at once: rows of the fan x saved x draws. `also` gives further values by slot for each draw: it
   * lets combinations of policies run side by side.
   */
  fan(plan, draws, { save = this.header.save, rows = null, also = null } = {}) {
    const constants = this.constants(plan)
    const mixed = plan.national === Object.keys(this.header.nations)[0] && this.header.mix.length
    const groups = new Map()
    draws.forEach((draw, i) => {
      const name = mixed ? this.header.mix[draw % this.header.mix.length] : plan.national
      if (!groups.has(name)) groups.set(name, [])
      groups.get(name).push(i)
    })
    const total = this.header.saved.fan.reduce((sum, one) => sum + one.rows.length, 0)
    const kept = rows ?? Array.from({ length: total }, (_, row) => row)
    const values = new Float64Array(kept.length * save.length * draws.length)
    for (const [name, members] of groups) {
      const own = members.map((i) => draws[i])
      const varying = this.drawn(plan, constants, own)
      if (also)
        for (const [slot, by] of Object.entries(also)) {
          const row = this.header.varying.indexOf(Number(slot))
          varying[row] = Float64Array.from(members, (i) => by[i])
        }
      const found = this.engines.fan.run({
        ...this.request(plan, constants), tables: this.tables(name), save, members: own.length, varying,
        seriesRows: this.header.series.length, series: this.noise(plan, own),
      })
      kept.forEach((row, k) => {
        for (let s = 0; s < save.length; s++)
          for (let m = 0; m < members.length; m++)
            values[(k * save.length + s) * draws.length + members[m]] = found[(row * save.length + s) * members.length + m]
      })
    }
    return values
  }
}

const QUARTER = 0.25 // of a year: where `size` is read, as in Python

/** Where each time lies between given ones: flat outside, a straight line between (as the engine in Python has it). */
function between(times, given) {
  const last = given.length - 1
  return Array.from(times, (time) => {
    if (last === 0) return { left: 0, right: 0, share: 1 }
    const t = Math.min(Math.max(time, given[0]), given[last])
    let right = given.findIndex((one) => one >= t)
    right = Math.min(Math.max(right, 1), last)
    const left = right - 1
    return { left, right, share: (t - given[left]) / (given[right] - given[left]) }
  })
}
