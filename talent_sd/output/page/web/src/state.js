// What is shown, and what changes it. Everything a person sets is in `view`; results follow from it.
import { batch, computed, effect, signal } from '@preact/signals'
import { Plans } from './plan.js'
import { Pool } from './pool.js'
import { bands, coalitions, mean, quantiles, standardError } from './stats.js'
import { lang } from './words.js'

export const MOST_PLANS = 4
const MOST_UNDO = 200
const SHAPLEY_DRAWS = 16
const SETS_AT_ONCE = 16
const TOGETHER = 1000 // milliseconds

export const notice = signal(null) // {text, kind}
export const why = signal(null) // key of the output asked about
export const busy = signal(false)

export class Page {
  constructor(content, model) {
    this.content = content
    this.header = content.header
    this.model = model
    this.plans = new Plans(this.header)
    this.years = this.header.years
    this.draws = Array.from({ length: this.header.draws }, (_, i) => i)
    const { first } = this.header
    const known = (keys) => keys.flatMap((name) => model.elements(name)).filter((key) => model.rows.has(key))
    const outputs = known(this.header.headline.filter((name) => !this.header.variables[name].dims.length))
    this.defaults = { plans: [this.plans.preset(first.scenario, first.city)], active: 0, outputs: outputs.slice(0, 4), mode: 'level' }
    this.view = signal(this.defaults)
    this.past = signal([])
    this.future = signal([])
    this.fans = signal({ plan: null, base: null, others: [] })
    this.shares = signal(null)
    this.tornado = signal(null)
    this.timing = { fan: [], frame: [] }
    this.plan = computed(() => this.view.value.plans[this.view.value.active])
    this.central = computed(() => this.#central(this.plan.value))
    this.centralBase = computed(() => this.#central(this.plans.baseline(this.plan.value)))
    this.found = computed(() => {
      const { view, plan, base } = this.fans.value
      return plan && this.result(view.plans[view.active], plan, base)
    })
    const phone = matchMedia('(max-width: 700px)').matches
    this.pool = new Pool(content, Math.max(1, Math.min(phone ? 2 : 4, navigator.hardwareConcurrency || 2)))
  }

  start() {
    if (!this.restore(location.hash)) this.restore(document.getElementById('plan')?.textContent ?? '')
    effect(() => {
      this.view.value
      clearTimeout(this.timer)
      this.refresh()
    })
    effect(() => this.#remember(this.view.value, lang.value))
  }

  // ---- changes

  /**
   * Change the view. `settle` false: a slider is still moving, and undo remembers where it started. Steps of one
   * slider (`what`) that follow quickly, as keys make them, are undone together.
   */
  change(next, settle = true, what = null) {
    const before = this.view.peek()
    const now = performance.now()
    batch(() => {
      if (settle) {
        const together = what !== null && what === this.lately?.what && now - this.lately.at < TOGETHER
        if (!together) this.past.value = [...this.past.peek().slice(-MOST_UNDO), this.moving ?? before]
        this.moving = null
        this.lately = { what, at: now }
        this.future.value = []
      } else this.moving ??= before
      this.view.value = { ...before, ...next }
    })
  }

  setPlan(plan, settle = true, what = null) {
    const { plans, active } = this.view.peek()
    this.change({ plans: plans.map((one, i) => (i === active ? plan : one)) }, settle, what)
  }

  set(setting, value, settle = true) {
    this.setPlan(this.plans.set(this.plans.retitled(this.plan.peek()), setting, value), settle, setting.slot)
  }

  undo() {
    this.#step(this.past, this.future)
  }

  redo() {
    this.#step(this.future, this.past)
  }

  #step(from, to) {
    const states = from.peek()
    if (!states.length) return
    batch(() => {
      to.value = [...to.peek(), this.view.peek()]
      from.value = states.slice(0, -1)
      this.lately = null
      this.view.value = states.at(-1)
    })
  }

  // ---- runs

  #central(plan) {
    return this.model.central(plan)
  }

  row(values, key) {
    const at = this.model.rows.get(key) * this.years.length
    return values.subarray(at, at + this.years.length)
  }

  /** Rows that charts and sentences need. */
  #rows(view) {
    const { roles } = this.header
    const keys = new Set([...view.outputs, roles.people, roles.spent, roles.budget, roles.paid].filter((key) => this.model.rows.has(key)))
    return [...keys]
  }

  refresh() {
    this.pool.newest('fan', async () => {
      const view = this.view.peek()
      const plan = view.plans[view.active]
      const keys = this.#rows(view)
      const rows = keys.map((key) => this.model.rows.get(key))
      const others = view.plans.length > 1 ? view.plans : []
      const began = performance.now()
      busy.value = true
      const [own, base, ...rest] = await Promise.all(
        [plan, this.plans.baseline(plan), ...others.filter((one) => one !== plan)].map((one) => this.#fan(one, keys, rows)),
      )
      const beside = others.map((one) => (one === plan ? own : rest.shift()))
      const othersBase = await Promise.all(others.map((one) => (one === plan ? base : this.#fan(this.plans.baseline(one), keys, rows))))
      batch(() => {
        this.fans.value = { view, plan: own, base, others: beside, othersBase, central: this.central.peek(), centralBase: this.centralBase.peek() }
        busy.value = false
      })
      this.timing.fan.push(performance.now() - began)
      this.#later(view)
    })
  }

  async #fan(plan, keys, rows) {
    const text = JSON.stringify([plan.city, plan.national, plan.values, keys])
    this.cache ??= new Map()
    if (this.cache.has(text)) return this.cache.get(text)
    const values = await this.pool.fan(plan, this.draws, { rows })
    const size = this.years.length * this.draws.length
    const found = new Map(keys.map((key, i) => [key, values.subarray(i * size, (i + 1) * size)]))
    if (this.cache.size > 12) this.cache.delete(this.cache.keys().next().value)
    this.cache.set(text, found)
    return found
  }

  /** What takes longer waits until the sliders rest. */
  #later(view) {
    clearTimeout(this.timer)
    this.shares.value = this.shares.peek() && { ...this.shares.peek(), stale: true }
    this.timer = setTimeout(() => this.pool.newest('shares', () => this.#split(view)), 350)
  }

  async #split(view) {
    const plan = view.plans[view.active]
    const key = this.header.roles.people
    const on = this.header.policies.filter((policy) => this.plans.isOn(plan, policy))
    if (!on.length || !key) {
      this.shares.value = { plan, parts: [] }
      return
    }
    const draws = this.#spread(key)
    const { sets, shares, exact } = coalitions(on.length)
    const row = this.model.rows.get(key)
    const values = new Float64Array(sets.length * draws.length)
    for (let from = 0; from < sets.length; from += SETS_AT_ONCE) {
      if (view !== this.view.peek()) return // a slider moved: its fan comes first
      const some = sets.slice(from, from + SETS_AT_ONCE)
      const also = Object.fromEntries(
        on.map(({ settings: { switch: { slot } } }, i) => [slot, some.flatMap((set) => draws.map(() => (set[i] ? plan.values[slot] : 0)))]),
      )
      values.set(await this.pool.fan(plan, some.flatMap(() => draws), { rows: [row], save: this.header.save.slice(-1), also }), from * draws.length)
    }
    const found = on.map(() => [])
    draws.forEach((_, d) => {
      const own = shares(Float64Array.from(sets, (_, s) => values[s * draws.length + d]))
      own.forEach((share) => share.forEach((value, i) => found[i].push(value)))
    })
    if (view !== this.view.peek()) return
    const spend = this.#spending(plan)
    const name = this.header.roles.spending
    const whole = ({ name: policy }) => {
      const own = `${name}[${policy}]`
      return this.model.rows.has(own) ? this.row(this.#central(plan), own).reduce((sum, value) => sum + value, 0) : NaN
    }
    this.shares.value = {
      plan, exact, draws: draws.length,
      parts: on.map((policy, i) => ({ policy, value: mean(found[i]), error: exact ? 0 : standardError(found[i]), spend: spend.get(policy.name), whole: whole(policy) })),
    }
  }

  /** Draws spread evenly over the effect on an output. */
  #spread(key) {
    const { plan, base } = this.fans.peek()
    const last = (this.years.length - 1) * this.draws.length
    const effects = this.draws.map((draw) => [draw, plan.get(key)[last + draw] - base.get(key)[last + draw]])
    effects.sort((a, b) => a[1] - b[1])
    return Array.from({ length: SHAPLEY_DRAWS }, (_, i) => effects[Math.floor(((i + 0.5) * effects.length) / SHAPLEY_DRAWS)][0])
  }

  /** Yuan a year on each policy in the central run, over the years in which it is on. */
  #spending(plan, central = this.central.peek()) {
    const name = this.header.roles.spending
    return new Map(this.header.policies.map((policy) => [policy.name, this.spentOn(policy, central, name)]))
  }

  spentOn(policy, central = this.central.peek(), name = this.header.roles.spending) {
    const key = `${name}[${policy.name}]`
    if (!this.model.rows.has(key)) return NaN
    const paid = Array.from(this.row(central, key)).filter((value) => value > 0)
    return paid.length ? mean(paid) : 0
  }

  /** The intensity at which the model spends so many yuan a year on a policy: found by running it. */
  solveSize(policy, yuan) {
    const setting = policy.settings.intensity
    const limits = [setting.low ?? 0, setting.high ?? setting.default * 10]
    const spent = (value) => {
      const plan = this.plans.set(this.plan.peek(), setting, value)
      return this.spentOn(policy, this.#central(plan))
    }
    let [low, high] = limits
    if (yuan >= spent(high)) return high
    for (let i = 0; i < 40 && high - low > 1e-6 * limits[1]; i++) {
      const middle = (low + high) / 2
      if (spent(middle) < yuan) low = middle
      else high = middle
    }
    return Number(((low + high) / 2).toPrecision(4))
  }

  /** What each assumption moves: the talent of the last year at both ends of its range. */
  weighAssumptions() {
    const plan = this.plan.peek()
    const key = this.header.roles.people
    const row = this.model.rows.get(key)
    const last = this.header.save.slice(-1)
    const value = (one, end) => {
      const values = { ...plan.values }
      for (const [slot, own] of Object.entries(one.slots)) values[slot] = one.factor ? own * end : end
      return this.model.central({ ...plan, values }, last)[row]
    }
    const found = this.header.assumptions.map((one) => ({ one, low: value(one, one.low), high: value(one, one.high) }))
    found.sort((a, b) => Math.abs(b.high - b.low) - Math.abs(a.high - a.low))
    this.tornado.value = found
  }

  // ---- results in words

  /** Levels x years of (years x draws). */
  bandsFor(values) {
    return bands(values, this.years.length)
  }

  result(plan, own, base) {
    const { roles } = this.header
    const key = roles.people
    if (!own?.get(key)) return null
    const draws = this.draws.length
    const last = (this.years.length - 1) * draws
    const change = this.draws.map((draw) => own.get(key)[last + draw] - base.get(key)[last + draw])
    const lower = this.header.variables[key].lower
    const better = change.filter((value) => (lower ? value < 0 : value > 0)).length / draws
    const [low, middle, high] = quantiles(change, [0.1, 0.5, 0.9])
    const first = this.firstYear(plan)
    const spent = own.get(roles.spent)
    const budget = own.get(roles.budget)
    // a year: of those in which the plan spends, as each policy's own cost is told
    const paying = this.years.map((_, i) => i).filter((i) => spent?.subarray(i * draws, (i + 1) * draws).some((value) => value > 0))
    const over = (values) => {
      const sums = new Float64Array(draws)
      for (const i of paying) for (let d = 0; d < draws; d++) sums[d] += values[i * draws + d]
      return sums.map((sum) => sum / Math.max(1, paying.length))
    }
    const costs = spent ? over(spent) : null
    const budgets = spent && budget && paying.length ? over(budget) : null
    const cost = costs ? quantiles(costs, [0.1, 0.5, 0.9]) : null
    const share = budgets ? quantiles(costs.map((own, d) => own / budgets[d]), [0.5])[0] : null
    return { change: middle, low, high, better, cost, share, first, years: paying.length, some: change.some((value) => value !== 0) }
  }

  firstYear(plan) {
    const starts = this.header.policies.filter((policy) => this.plans.isOn(plan, policy)).map((policy) => this.plans.value(plan, policy.settings.from))
    return Math.min(this.years.at(-1), ...(starts.length ? starts : [this.header.known_until + 1]))
  }

  // ---- links and files

  fragment() {
    return this.plans.encode({ ...this.view.peek(), lang: lang.peek() })
  }

  /** The active plan as a scenario file. */
  yaml() {
    const { version, model } = this.header
    const plan = this.plan.peek()
    return this.plans.toYaml(plan, `talent-sd run this-file.yaml --city ${plan.city}; talent_sd ${version}, ${model.name} ${model.sha256.slice(0, 12)}`)
  }

  /** Take a scenario file as the active plan; tell every problem. */
  open(text) {
    try {
      this.setPlan(this.plans.fromYaml(text, this.plan.peek().city))
      notice.value = null
    } catch (error) {
      if (!error.problems) throw error
      notice.value = { text: error.problems.join('\n'), kind: 'error' }
    }
  }

  #remember(view, language) {
    clearTimeout(this.writing)
    this.writing = setTimeout(() => {
      try {
        history.replaceState(null, '', this.plans.encode({ ...view, lang: language }))
        this.written = location.hash
      } catch {
        // a sandboxed frame has no history: the plan is kept in files only
      }
    }, 300)
  }

  /** Take over what a fragment holds; tell what it lost. Returns whether there was one. */
  restore(fragment) {
    if (fragment === this.written) return false
    const told = this.plans.decode(fragment)
    if (!told) return false
    if (told.broken || !told.plans.length) {
      notice.value = { word: 'link_broken', kind: 'error' }
      return true
    }
    if (told.lang in this.header.words) lang.value = told.lang
    const outputs = (told.outputs ?? []).filter((key) => this.model.rows.has(key))
    this.view.value = { ...this.defaults, plans: told.plans, active: told.active, ...(outputs.length ? { outputs } : {}) }
    if (told.other || told.lost.length) notice.value = { word: 'link_other', values: { lost: told.lost.join(', ') || '–' }, kind: 'warning' }
    return true
  }
}
