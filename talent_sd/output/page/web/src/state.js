// What is shown, and what changes it. Everything a person sets is in `view`; results follow from it.
import { batch, computed, effect, signal } from '@preact/signals'
import { Plans } from './plan.js'
import { Pool } from './pool.js'
import { bands, beaten, perUnit, quantiles } from './stats.js'
import { weighOffers, weighPolicies } from './weigh.js'
import { lang, planName } from './words.js'

export const MOST_PLANS = 4
const MOST_UNDO = 200
const TOGETHER = 1000 // milliseconds
const NOTHING_PAID = 1e-6 // part of the largest yearly sum that is none, as in Python

export const notice = signal(null) // {text, kind}
export const why = signal(null) // key of the output asked about
export const busy = signal(false)

export class Page {
  constructor(content, model) {
    this.content = content
    this.header = content.header
    this.model = model
    this.plans = new Plans(this.header, (plan, basis) => this.model.sizes(plan, basis))
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
    this.offers = signal(null)
    this.tornado = signal(null)
    this.timing = { fan: [], frame: [] }
    this.plan = computed(() => this.view.value.plans[this.view.value.active])
    // parts of the view: who reads one of them alone is not asked again at every step of a slider
    this.outputs = computed(() => this.view.value.outputs)
    this.mode = computed(() => this.view.value.mode)
    this.city = computed(() => this.plan.value.city)
    this.central = computed(() => this.#central(this.plan.value))
    const base = computed(() => JSON.stringify(this.plans.baseline(this.plan.value)))
    this.centralBase = computed(() => this.#central(JSON.parse(base.value)))
    this.found = computed(() => {
      const { view, plan, base } = this.fans.value
      return plan && this.result(view.plans[view.active], plan, base)
    })
    this.beside = computed(() => {
      const { view, others, othersBase } = this.fans.value
      return others.length > 1 ? view.plans.map((plan, i) => ({ plan, found: this.result(plan, others[i], othersBase[i]) })) : []
    })
    this.sizes = computed(() => this.#sizes(this.plan.value))
    this.priceBasis = computed(() => this.#basis(this.plan.value))
    this.known = new WeakMap() // values of a fan -> their bands
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

  /** Take a preset in the city and the reading that are shown. */
  startFrom(name) {
    this.setPlan(this.plans.from(this.plan.peek(), name))
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

  /** Rows that charts and sentences need; of a plan, with what it pays. */
  #keys(view, plan) {
    const { roles } = this.header
    const each = this.header.policies.map((policy) => this.paidKey(policy))
    const paid = plan ? [roles.spent, roles.budget, roles.paid_to_date, roles.prices, ...each] : []
    return [...new Set([...view.outputs, roles.people, ...paid])].filter((key) => this.model.rows.has(key))
  }

  paidKey({ name }) {
    return `${this.header.roles.paid_by_policy}[${name}]`
  }

  /** Yuan a year on some policies, or on all, in each draw: the mean of the years in which the plan pays. */
  yearlyOf(fan, policies) {
    const all = this.#paid(fan, null)
    return this.#over(policies ? this.#paid(fan, policies) : all, this.#paying(all))
  }

  /** The present value of what a fan pays for some policies, or for all, in a draw: as `talent-sd compare` tells it. */
  present(fan, policies, draw) {
    const keys = this.#paidKeys(policies)
    const n = this.draws.length
    return this.presentOf(this.years.map((_, y) => keys.reduce((sum, key) => sum + fan.get(key)[y * n + draw], 0)), fan, draw)
  }

  /** The same of yuan paid to date, year by year. */
  presentOf(paid, fan, draw) {
    const { rate, base } = this.header.money
    const prices = fan.get(this.header.roles.prices)
    const level = (y) => (prices ? prices[y * this.draws.length + draw] : 1)
    const at = Math.max(0, this.years.indexOf(base))
    const worth = (y) => (level(at) / level(y)) * (1 + rate) ** (base - this.years[y])
    return this.years.slice(1).reduce((sum, _, y) => sum + (paid[y + 1] - paid[y]) * Math.sqrt(worth(y) * worth(y + 1)), 0)
  }

  #paidKeys(policies) {
    return policies ? policies.map((policy) => this.paidKey(policy)) : [this.header.roles.paid_to_date]
  }

  /** Yuan paid in the year up to each point (years x draws); 0 in the first. */
  #paid(fan, policies) {
    const [keys, n] = [this.#paidKeys(policies), this.draws.length]
    return Float64Array.from({ length: this.years.length * n }, (_, i) => (i < n ? 0 : keys.reduce((sum, key) => sum + fan.get(key)[i] - fan.get(key)[i - n], 0)))
  }

  #paying(spent) {
    const draws = this.draws.length
    const least = NOTHING_PAID * (spent?.reduce((most, value) => Math.max(most, value), 0) ?? 0)
    return this.years.map((_, i) => i).filter((i) => spent?.subarray(i * draws, (i + 1) * draws).some((value) => value > least))
  }

  /** Of (years x draws) the mean of some years, by draw. */
  #over(values, years) {
    const draws = this.draws.length
    return Float64Array.from(this.draws, (d) => years.reduce((sum, i) => sum + values[i * draws + d], 0) / Math.max(1, years.length))
  }

  refresh() {
    this.pool.newest('fan', async () => {
      const view = this.view.peek()
      const plan = view.plans[view.active]
      const [keys, baseKeys] = [this.#keys(view, true), this.#keys(view, false)]
      const baseOf = (one) => this.fan(this.plans.baseline(one), baseKeys)
      const others = view.plans.length > 1 ? view.plans : []
      const began = performance.now()
      busy.value = true
      const [own, base] = await Promise.all([this.fan(plan, keys), baseOf(plan)])
      const beside = await Promise.all(others.map((one) => (one === plan ? own : this.fan(one, keys))))
      const othersBase = await Promise.all(others.map((one) => (one === plan ? base : baseOf(one))))
      batch(() => {
        this.fans.value = { view, plan: own, base, others: beside, othersBase, central: this.central.peek(), centralBase: this.centralBase.peek() }
        busy.value = false
      })
      await null // charts are drawn
      this.timing.fan.push(performance.now() - began)
      this.#later(view)
    })
  }

  async fan(plan, keys) {
    const text = JSON.stringify([plan.city, plan.national, plan.values, keys])
    this.cache ??= new Map()
    if (this.cache.has(text)) return this.cache.get(text)
    const rows = keys.map((key) => this.model.rows.get(key))
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
    for (const told of [this.shares, this.offers]) told.value = told.peek() && { ...told.peek(), stale: true }
    const both = async () => {
      await weighPolicies(this, view)
      await weighOffers(this, view)
    }
    this.timer = setTimeout(() => this.pool.newest('shares', both), 350)
  }

  /** Yuan a year on a policy at full strength, in the central run: `size` of a plan file. */
  sizeOf(policy) {
    return this.sizes.value.get(policy.name) ?? NaN
  }

  #sizes(plan) {
    return this.model.sizes(plan, this.#basis(plan))
  }

  /** The year in whose prices sizes are. */
  #basis(plan) {
    const { price_basis: basis } = this.header.budget
    return basis ? this.plans.value(plan, basis) : this.header.money.base
  }

  /** Set a policy's size so that it costs so many yuan a year at full strength. */
  setYuan(policy, yuan) {
    this.set(policy.settings.intensity, this.solveSize(policy, yuan), true)
  }

  /** The intensity at which a policy costs so many yuan a year: found by running the model. */
  solveSize(policy, yuan) {
    const setting = policy.settings.intensity
    const [least, most] = [setting.low ?? 0, setting.high ?? setting.default * 10]
    const spent = (value) => this.#sizes(this.plans.set(this.plan.peek(), setting, value)).get(policy.name)
    if (yuan >= spent(most)) return most
    let [low, high] = [least, most]
    for (let i = 0; i < 50 && high - low > 1e-7 * high; i++) {
      const middle = (low + high) / 2
      if (spent(middle) < yuan) low = middle
      else high = middle
    }
    return Number(((low + high) / 2).toPrecision(6))
  }

  // ---- results in words

  /** Levels x years of (years x draws). */
  bandsFor(values) {
    if (!this.known.has(values)) this.known.set(values, bands(values, this.years.length))
    return this.known.get(values)
  }

  result(plan, own, base) {
    const { roles } = this.header
    const key = roles.people
    if (!own?.get(key)) return null
    const draws = this.draws.length
    const last = (this.years.length - 1) * draws
    const change = this.draws.map((draw) => own.get(key)[last + draw] - base.get(key)[last + draw])
    const lower = this.header.variables[key].lower
    const same = change.map(() => 0)
    const better = lower ? beaten(same, change) : beaten(change, same)
    const [low, middle, high] = quantiles(change, [0.1, 0.5, 0.9])
    const [spent, budget] = [own.get(roles.spent), own.get(roles.budget)]
    const paid = own.get(roles.paid_to_date) && this.#paid(own, null)
    const paying = paid ? this.#paying(paid) : []
    const spends = paying.length > 0
    const ends = (values) => (spends ? quantiles(values, [0.1, 0.5, 0.9]) : null)
    const present = spends ? this.draws.map((draw) => this.present(own, null, draw)) : []
    const [cost, whole] = [ends(spends ? this.#over(paid, paying) : []), ends(present)]
    const ratio = spends ? perUnit(present, change) : { each: NaN, falls: false }
    const [costs, budgets] = spent && budget && spends ? [spent, budget].map((values) => this.#over(values, paying)) : [null, null]
    const share = budgets ? quantiles(costs.map((own, d) => own / budgets[d]), [0.5])[0] : null
    const [first, until] = [paying[0], paying.at(-1)].map((i) => this.years[i] - 1) // a point ends the year before it
    return { change: middle, changes: change, ...ratio, low, high, better, cost, whole, share, first, until, years: paying.length, some: change.some((value) => value !== 0) }
  }

  // ---- links and files

  fragment() {
    return this.plans.encode({ ...this.view.peek(), lang: lang.peek() })
  }

  /** The active plan as a scenario file. */
  yaml() {
    const { version, model } = this.header
    const plan = this.plan.peek()
    return this.plans.toYaml(plan, `talent-sd run this-file.yaml --city ${this.header.cities[plan.city].asked}; talent_sd ${version}, ${model.name} ${model.sha256.slice(0, 12)}`)
  }

  /** What the active plan is called. */
  name() {
    const { plans, active } = this.view.value
    return planName(plans[active], active, plans)
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
