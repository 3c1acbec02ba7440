// What drives a value: each cause changed alone, all others as they were. The model's own equations do it, in a
// module that computes each from given values; no equation is written here.

export class Drivers {
  constructor(model) {
    this.model = model
    this.header = model.header
    const { of } = this.header.probed
    this.rows = new Map(of.map((slot, row) => [slot, row]))
    this.hidden = new Set(this.header.slots.hidden)
    this.told = new Map(this.header.told_slots.map((slot, row) => [slot, row]))
  }

  /** Every slot's value in every year of a plan: one vector a year. */
  vectors(plan) {
    const years = this.header.years.length
    const constants = this.model.constants(plan)
    const whole = this.model.whole(plan)
    const found = Array.from({ length: years }, () => constants.slice())
    for (const [slot, row] of this.told) for (let year = 0; year < years; year++) found[year][slot] = whole[row * years + year]
    return found
  }

  /** Compute every equation from given vectors at one time: (slot, which vector) => value. */
  evaluate(plan, vectors, time) {
    const { engines, header } = this.model
    const values = engines.probe.run({
      ...this.model.request(plan, new Float64Array(header.slots.names.length + this.rows.size)),
      times: Float64Array.of(time), save: [0], members: vectors.length, seriesRows: 0,
      varying: header.probed.inputs.map((slot) => Float64Array.from(vectors, (vector) => vector[slot])),
    })
    return (slot, which) => (this.rows.has(slot) ? values[this.rows.get(slot) * vectors.length + which] : NaN)
  }

  /**
   * What moves a slot in a year. `against` is the other plan's vectors, or null: the year before.
   * Returns {now, before, changed, rest, stock, causes: [{slot, now, before, effect}]}.
   */
  of(slot, plan, vectors, against, year) {
    const now = vectors[year]
    const before = against ? against[year] : vectors[Math.max(0, year - 1)]
    const time = this.header.years[year]
    const earlier = against ? time : this.header.years[Math.max(0, year - 1)]
    const reads = this.header.slots.reads[slot]
    // a cause's part: between what it does alone and what its absence undoes, so that factors share their product
    const one = (from, cause, to) => Object.assign(from.slice(), { [cause]: to[cause] })
    const members = [before, now, ...reads.flatMap((cause) => [one(before, cause, now), one(now, cause, before)])]
    const values = this.evaluate(plan, members, time)
    const start = earlier === time ? values : this.evaluate(plan, [before], earlier)
    const from = start(slot, 0)
    const causes = reads.map((cause, i) => ({ slot: cause, now: now[cause], before: before[cause], effect: (values(slot, 2 * i + 2) - values(slot, 0) + values(slot, 1) - values(slot, 2 * i + 3)) / 2 }))
    causes.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
    const changed = values(slot, 1) - from
    const clock = values(slot, 0) - from
    const rest = changed - clock - causes.reduce((sum, { effect }) => sum + effect, 0)
    return { now: now[slot], before: before[slot], changed, clock, rest, causes, stock: slot in this.header.slots.moved && !this.hidden.has(slot) }
  }
}
