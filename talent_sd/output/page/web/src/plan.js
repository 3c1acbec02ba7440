// Plans: from presets, files, links and calls from outside, and back. A plan is
// {title, city, national, values}; values are numbers by slot of the program.
import { parse } from 'yaml'
import { yearsInForce } from './numbers.js'
import { t } from './words.js'

/** How near a size is met, and in how many runs at most: as in Python's `money.py`. */
const [EXACT, MOST_TRIES] = [1e-5, 60]

export class Plans {
  constructor(header, spending) {
    this.header = header
    this.spending = spending
    this.places = new Map(header.slots.names.map((name, slot) => [name, slot]))
    this.policies = new Map(header.policies.map((one) => [one.name, one]))
    this.shocks = new Map(header.shocks.map((one) => [one.name, one]))
    this.presets = new Map(header.presets.map((one) => [one.name, one]))
  }

  empty(city) {
    return { title: null, city, national: Object.keys(this.header.nations)[0], values: {} }
  }

  preset(called, city) {
    const name = this.presets.has(called) ? called : labelled(this.presets, called, 'title')
    const found = this.presets.get(name)
    if (!found) throw new PlanError([t('error_scenario', { name, known: [...this.presets.keys()].join(', ') })])
    return { title: found.title, preset: name, reading: found.reading, city, national: found.national, values: { ...(found.in_cities[city] ?? found.values) } }
  }

  /** The same city, nation and assumptions with no policy and no shock: what a plan is compared with. */
  baseline(plan) {
    const own = new Set()
    for (const { settings } of [...this.header.policies, ...this.header.shocks, { settings: this.header.budget }])
      for (const { slot } of Object.values(settings)) own.add(slot)
    const values = Object.fromEntries(Object.entries(plan.values).filter(([slot]) => !own.has(Number(slot))))
    return { ...plan, title: null, preset: null, values }
  }

  /** The reading that a plan is in; the first changes nothing. */
  readingOf(plan) {
    return this.header.readings.find(({ name }) => name === plan.reading) ?? this.header.readings[0]
  }

  /** A plan in another reading; what the plan assumes itself wins. */
  read(plan, reading) {
    const values = { ...plan.values }
    for (const [slot, value] of Object.entries(this.readingOf(plan).values)) if (values[slot] === value) delete values[slot]
    return { ...plan, reading: reading.name, values: { ...reading.values, ...values } }
  }

  /** A preset in a plan's city, reading and nation, unless it brings a nation of its own. */
  from(plan, name) {
    const one = this.read(this.preset(name, plan.city), this.readingOf(plan))
    return one.national === Object.keys(this.header.nations)[0] ? { ...one, national: plan.national } : one
  }

  /** A plan in another city; a preset whose sizes are in yuan has its own there. */
  moved(plan, city) {
    return plan.preset ? this.from({ ...plan, city }, plan.preset) : { ...plan, city }
  }

  isOn(plan, policy) {
    const { slot, default: own } = policy.settings.switch
    return (plan.values[slot] ?? own) > 0
  }

  /** The title of a plan that is changed by hand: no longer the preset's own. */
  retitled(plan) {
    if (!plan.preset || !plan.title) return plan
    const title = Object.fromEntries(Object.entries(plan.title).map(([code, text]) => [code, this.header.words[code].changed.replace('{title}', text)]))
    return { ...plan, title, preset: null }
  }

  /** The years in which a policy is on for a while at least, its pause left out: `years_in_force` of Python. */
  years(plan, { settings }) {
    const [start, end, from, until] = ['from', 'until', 'pause.from', 'pause.until'].map((key) => (settings[key] ? this.value(plan, settings[key]) : Infinity))
    return yearsInForce(start, end, from, until)
  }

  value(plan, setting) {
    return plan.values[setting.slot] ?? setting.default
  }

  set(plan, setting, value) {
    const values = { ...plan.values }
    if (value === setting.default) delete values[setting.slot]
    else values[setting.slot] = value
    return { ...plan, values }
  }

  /** Lay what a file says over a plan, as Python's scenario files mean it. Throws PlanError with every problem. */
  merged(plan, { policies = {}, assumptions = {}, shocks = {}, budget = {}, national, title }) {
    const values = { ...plan.values }
    const problems = []
    const sizes = new Map()
    const put = (setting, value, label) => {
      if (typeof value !== 'number' || !Number.isFinite(value)) return problems.push(t('error_number', { name: label, value }))
      const { low, high } = setting
      if ((low !== null && value < low) || (high !== null && value > high))
        return problems.push(t('error_range', { name: label, value, low: low ?? '−∞', high: high ?? '∞' }))
      values[setting.slot] = value
    }
    for (const [called, given] of Object.entries(policies ?? {})) {
      const name = this.policies.has(called) ? called : labelled(this.policies, called, 'label')
      const policy = this.policies.get(name)
      if (!policy) {
        problems.push(t('error_policy', { name, known: [...this.policies.keys()].join(', ') }))
        continue
      }
      if (typeof given !== 'object' || given === null) {
        const on = given === true || given === 'on'
        if (!on && given !== false && given !== 'off') problems.push(t('error_switch', { name }))
        for (const { slot } of Object.values(policy.settings)) delete values[slot]
        values[policy.settings.switch.slot] = on ? 1 : 0
        continue
      }
      if (!(policy.settings.switch.slot in values)) values[policy.settings.switch.slot] = 1
      for (const [key, value] of Object.entries(given)) {
        if (['evidence', 'why', 'source'].includes(key)) continue
        const parts = key === 'pause' ? Object.entries(value ?? {}).map(([k, v]) => [`pause.${k}`, v]) : [[key, value]]
        for (const [k, v] of parts) {
          const setting = policy.settings[k] ?? policy.settings[k.replaceAll('_', ' ')]
          if (k === 'size') sizes.set(policy, { yuan: v, both: 'intensity' in given })
          else if (!setting || k === 'switch') problems.push(t('error_setting', { name: `${name}.${k}` }))
          else put(setting, v, `${name}.${k}`)
        }
      }
    }
    for (const [name, given] of Object.entries(shocks ?? {})) {
      const shock = this.shocks.get(name)
      for (const [key, value] of Object.entries(given ?? {})) {
        const setting = shock?.settings[key]
        if (!setting) problems.push(t('error_setting', { name: `${name}.${key}` }))
        else put(setting, value, `${name}.${key}`)
      }
    }
    for (const [key, value] of Object.entries(budget ?? {})) {
      const setting = this.header.budget[key]
      if (!setting) problems.push(t('error_setting', { name: `budget.${key}` }))
      else put(setting, value, `budget.${key}`)
    }
    for (const [called, given] of Object.entries(assumptions ?? {})) {
      const name = this.nameOf(called)
      const value = given !== null && typeof given === 'object' && 'value' in given ? given.value : given
      const single = value !== null && typeof value === 'object' ? value : { '': value }
      for (const [element, one] of Object.entries(single)) {
        const key = element ? `${name}[${this.nameOf(element)}]` : name
        const slots = this.slotsOf(key)
        if (!slots.length) problems.push(t('error_assumption', { name: key }))
        const [low, high] = this.header.variables[key.split('[')[0]]?.limits ?? [null, null]
        for (const slot of slots) put({ slot, low, high }, one, key)
      }
    }
    let nation = plan.national
    if (national !== undefined && national !== null) {
      nation = String(national).replace(/^.*\//, '').replace(/\.yaml$/, '')
      if (!(nation in this.header.nations))
        problems.push(t('error_national', { name: national, known: Object.keys(this.header.nations).join(', ') }))
    }
    for (const [policy, { yuan, both }] of sizes) {
      const { name, settings } = policy
      sizes.set(policy, yuan)
      if (typeof yuan !== 'number' || !(yuan > 0)) problems.push(t('error_number', { name: `${name}.size`, value: yuan }))
      else if (!settings.intensity || both) problems.push(t('error_setting', { name: `${name}.size` }))
    }
    if (problems.length) throw new PlanError(problems)
    const whole = { ...plan, national: nation, title: title ?? plan.title, preset: null, values }
    return sizes.size ? this.sized(whole, sizes) : whole
  }

  /** Sizes in yuan a year turned into the intensities at which the central run spends so much: `sized` of Python. */
  sized(plan, sizes) {
    const { price_basis: basis } = this.header.budget
    const on = [...sizes].filter(([policy]) => this.isOn(plan, policy))
    const tries = on.map(([{ name, settings: { intensity } }, yuan]) => ({ name, intensity, yuan, value: Math.min(intensity.default, intensity.high ?? Infinity), miss: 1 }))
    const highest = (one) => one.value >= (one.intensity.high ?? Infinity)
    let found = plan
    for (let i = 0; i < MOST_TRIES; i++) {
      found = tries.reduce((one, { intensity, value }) => this.set(one, intensity, value), plan)
      const spent = this.spending(found, basis ? this.value(found, basis) : this.header.money.base)
      const short = (one) => highest(one) && spent.get(one.name) < one.yuan * (1 - EXACT)
      if (tries.every((one) => Math.abs(spent.get(one.name) / one.yuan - 1) < EXACT || short(one))) {
        const problems = tries.filter(short).map((one) => t('error_size', { name: `${one.name}.size`, most: spent.get(one.name).toPrecision(3), highest: one.intensity.high }))
        if (problems.length) throw new PlanError(problems)
        break
      }
      for (const one of tries) {
        const now = spent.get(one.name)
        if (!(now > 0)) one.value = one.intensity.high ?? one.value
        else {
          const [miss, before] = [one.yuan / now, one.miss]
          const swings = Math.abs(Math.log(miss)) > Math.abs(Math.log(before)) / 2 && (miss - 1) * (before - 1) < 0
          one.miss = miss
          one.value = Math.min(one.value * miss ** (swings ? 0.5 : 1), one.intensity.high ?? Infinity)
        }
      }
    }
    return tries.reduce((one, { intensity, value }) => this.set(one, intensity, Number(value.toPrecision(6))), plan)
  }

  /** Constant slots that a name stands for: one, or all elements of a subscripted constant. */
  slotsOf(name) {
    const { kinds, variables } = this.header.slots
    const one = this.places.get(name)
    if (one !== undefined) return kinds[one] === 'constant' ? [one] : []
    return kinds.flatMap((kind, slot) => (kind === 'constant' && variables[slot] === name ? [slot] : []))
  }

  /** "name" or "name[element]" of the model for a label in either language; what is none stays: `key_of` of Python. */
  nameOf(given) {
    const [name, element] = given.replace(/\]$/, '').split('[')
    const { variables, elements } = this.header
    const one = (label) => {
      if (label in variables || label in elements) return label
      for (const known of [variables, elements])
        for (const [key, text] of Object.entries(known)) if (text.zh === label || text.en === label) return key
      return label
    }
    return one(name.trim()) + (element === undefined ? '' : `[${one(element.trim())}]`)
  }

  /** A scenario file that talent-sd runs to the same numbers. */
  toYaml(plan, note) {
    const title = words(plan.title) ?? { en: 'My plan', zh: '我的方案' }
    const lines = [`# ${note}`, `title: {en: ${quoted(title.en)}, zh: ${quoted(title.zh)}}`, 'extends: baseline']
    lines.push(`context: national/${plan.national}`)
    const rest = new Map(Object.entries(plan.values).map(([slot, value]) => [Number(slot), value]))
    const take = (setting) => {
      const value = rest.get(setting.slot)
      rest.delete(setting.slot)
      return value === undefined || value === setting.default ? undefined : value
    }
    const policies = this.header.policies.flatMap((policy) => {
      const on = this.isOn(plan, policy)
      rest.delete(policy.settings.switch.slot)
      const parts = Object.entries(policy.settings)
        .filter(([key]) => key !== 'switch')
        .map(([key, setting]) => [key, take(setting)])
        .filter(([, value]) => value !== undefined)
      if (!on) return []
      const plain = parts.filter(([key]) => !key.startsWith('pause.')).map(([key, value]) => `${key}: ${number(value)}`)
      const pause = parts.filter(([key]) => key.startsWith('pause.')).map(([key, value]) => `${key.slice(6)}: ${number(value)}`)
      if (pause.length) plain.push(`pause: {${pause.join(', ')}}`)
      return [`  ${policy.name}: ${plain.length ? `{${plain.join(', ')}}` : 'on'}`]
    })
    if (policies.length) lines.push('policies:', ...policies)
    const shocks = this.header.shocks.flatMap((shock) => {
      const parts = Object.entries(shock.settings).map(([key, setting]) => [key, take(setting)]).filter(([, value]) => value !== undefined)
      return parts.length ? [`  ${shock.name}: {${parts.map(([key, value]) => `${key}: ${number(value)}`).join(', ')}}`] : []
    })
    if (shocks.length) lines.push('shocks:', ...shocks)
    const money = Object.entries(this.header.budget).map(([key, setting]) => [key, take(setting)]).filter(([, value]) => value !== undefined)
    if (money.length) lines.push(`budget: {${money.map(([key, value]) => `${key}: ${number(value)}`).join(', ')}}`)
    if (rest.size) lines.push('assumptions:')
    for (const [slot, value] of rest) lines.push(`  ${this.header.slots.names[slot]}: {value: ${number(value)}, why: set on the page}`)
    return lines.join('\n') + '\n'
  }

  /** The plan that a scenario file describes; PlanError tells every problem. */
  fromYaml(text, city) {
    let told
    try {
      told = parse(text)
    } catch (error) {
      throw new PlanError([error.message])
    }
    if (told === null || typeof told !== 'object' || Array.isArray(told)) throw new PlanError([t('error_file')])
    const unknown = Object.keys(told).filter((key) => !FILE.has(key))
    if (unknown.length) throw new PlanError(unknown.map((name) => t('error_setting', { name })))
    const parent = String(told.extends ?? 'baseline').replace(/^.*\//, '').replace(/\.yaml$/, '')
    const base = this.preset(parent, city)
    const title = typeof told.title === 'string' ? { en: told.title, zh: told.title } : told.title
    return this.merged(base, { ...told, national: told.context, title: title ?? null })
  }

  /** Plans as the address's fragment holds them. */
  encode(state) {
    const { names } = this.header.slots
    const plans = state.plans.map((plan) => ({
      t: plan.title ?? undefined, p: plan.preset ?? undefined, r: plan.reading ?? undefined, c: plan.city, n: plan.national,
      s: Object.fromEntries(Object.entries(plan.values).map(([slot, value]) => [names[slot], value])),
    }))
    const content = { v: this.header.version, m: this.header.model.sha256.slice(0, 12), a: state.active, o: state.outputs, l: state.lang, plans }
    const bytes = new TextEncoder().encode(JSON.stringify(content))
    return '#plan=' + btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  }

  /** What a fragment holds, with what this edition does not know left out and told; null if it holds none. */
  decode(fragment) {
    const match = /^#plan=([\w-]+)$/.exec(fragment)
    if (!match) return null
    try {
      const bytes = Uint8Array.from(atob(match[1].replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
      const told = JSON.parse(new TextDecoder().decode(bytes))
      const lost = []
      const plans = told.plans.slice(0, 4).map((plan) => {
        const city = plan.c in this.header.cities ? plan.c : Object.keys(this.header.cities)[0]
        if (city !== plan.c) lost.push(plan.c)
        const values = {}
        for (const [name, value] of Object.entries(plan.s)) {
          const slot = this.places.get(name)
          if (slot === undefined || this.header.slots.kinds[slot] !== 'constant' || !Number.isFinite(value)) lost.push(name)
          else values[slot] = value
        }
        const national = plan.n in this.header.nations ? plan.n : Object.keys(this.header.nations)[0]
        return { title: words(plan.t), preset: this.presets.has(plan.p) ? plan.p : null, reading: typeof plan.r === 'string' ? plan.r : null, city, national, values }
      })
      const other = told.m !== this.header.model.sha256.slice(0, 12) || told.v !== this.header.version
      return { plans, active: Math.min(told.a ?? 0, plans.length - 1), outputs: told.o, lang: told.l, lost, other }
    } catch {
      return { broken: true }
    }
  }
}

/** The name of what is called so in either language; else what was given. */
function labelled(known, given, key) {
  for (const [name, one] of known) if (Object.values(one[key] ?? {}).some((text) => text.toLowerCase() === String(given).toLowerCase())) return name
  return given
}

export class PlanError extends Error {
  constructor(problems) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** What a scenario file may hold. */
const FILE = new Set(['title', 'question', 'extends', 'policies', 'assumptions', 'shocks', 'context', 'budget', 'claims', 'finding'])

const words = (title) =>
  title && typeof title === 'object' && typeof title.en === 'string' && typeof title.zh === 'string' ? { en: title.en, zh: title.zh } : null

const quoted = (text) => JSON.stringify(text)

/** A number as YAML and Python read it back to the last bit. */
function number(value) {
  const text = String(value)
  return /^-?\d+e/.test(text) ? text.replace('e', '.0e') : text
}
