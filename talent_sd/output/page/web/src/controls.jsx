// The left side: city, nation, presets, policies, assumptions, loops.
import { useEffect, useState } from 'preact/hooks'
import { Adding, present } from './result.jsx'
import { byDuels } from './stats.js'
import { weighAssumptions, weighPresets } from './weigh.js'
import { amount, digits, element, lang, measure, named, said, t } from './words.js'

export function Controls({ page }) {
  const plan = page.plan.value
  const { header } = page
  return (
    <section class="controls" id="plan" aria-label={t('your_plan')}>
      <div class="choices">
        <Choice label={t('city')} value={plan.city} options={Object.entries(header.cities).map(([name, one]) => [name, said(one.title)])}
          onChange={(city) => page.setPlan(page.plans.moved(plan, city))} />
        <Choice label={t('preset')} value={plan.preset ?? ''} options={[...(plan.preset ? [] : [['', page.name()]]), ...header.presets.map((one) => [one.name, said(one.title)])]}
          onChange={(name) => name && page.startFrom(name)} />
        <Choice label={t('nation')} value={plan.national} options={Object.entries(header.nations).map(([name, title]) => [name, said(title)])}
          onChange={(national) => page.setPlan({ ...plan, national })} />
        {header.readings.length > 1 && <Choice label={t('reading')} value={page.plans.readingOf(plan).name} options={header.readings.map((one) => [one.name, said(one.title)])}
          onChange={(name) => page.setPlan(page.plans.read(plan, header.readings.find((one) => one.name === name)))} />}
      </div>
      <p class="question">{said(header.presets.find((one) => one.name === plan.preset)?.question)}</p>
      <Presets page={page} />
      <h2>{t('policies')}</h2>
      <p class="hint">{t('size_note', { year: page.priceBasis.value })}</p>
      {header.groups.map((group) => <Group key={group.word} page={page} group={group} />)}
      <Budget page={page} />
      <Shocks page={page} />
      <Assumptions page={page} />
      <Loops page={page} />
    </section>
  )
}

/** What each preset does in this city, to choose by; worked out while it is open. */
function Presets({ page }) {
  const [open, setOpen] = useState(false)
  const [found, setFound] = useState([])
  const plan = page.plan.value
  const reading = page.plans.readingOf(plan)
  useEffect(() => {
    if (!open) return
    setFound([])
    let gone = false
    page.pool.newest('presets', () => weighPresets(page, (rows) => (gone ? false : (setFound(rows), true))))
    return () => (gone = true)
  }, [open, plan.city, plan.national, reading.name])
  const order = byDuels(found.map(({ found: { changes } }) => changes))
  const rows = order.map((i) => found[i]).map(({ plan: { preset, title }, found: { change, cost, each, falls } }) => ({
    name: preset, label: said(title), value: change, cost, each, falls,
    onClick: () => page.startFrom(preset), told: t('take_preset', { name: said(title) }),
  }))
  return (
    <details class="group shares" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('presets_here')}</summary>
      {rows.length > 0 && <Adding title={t('presets_here')} first={t('preset_name')} rows={rows} />}
      {open && rows.length < page.header.presets.length && <p class="hint">{t('running')}</p>}
      <p class="hint">{t('presets_note', { name: named(page.header.roles.people), year: page.years.at(-1) })} {present(page)}</p>
    </details>
  )
}

function Choice({ label, value, options, onChange }) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([name, text]) => <option key={name} value={name}>{text}</option>)}
      </select>
    </label>
  )
}

function Group({ page, group }) {
  const plan = page.plan.value
  const policies = group.policies.map((name) => page.plans.policies.get(name))
  const on = policies.filter((policy) => page.plans.isOn(plan, policy)).length
  return (
    <details class="group" open>
      <summary>{t(group.word)} <span class="count">{t('count_on', { on, all: policies.length })}</span></summary>
      {policies.map((policy) => <Policy key={policy.name} page={page} policy={policy} />)}
    </details>
  )
}

function Policy({ page, policy }) {
  const plan = page.plan.value
  const on = page.plans.isOn(plan, policy)
  const name = said(policy.label)
  const { from, until, intensity, ramp } = policy.settings
  const first = page.years[0]
  const last = page.years.at(-1)
  const value = (setting) => page.plans.value(plan, setting)
  return (
    <div class={`policy ${on ? 'on' : ''}`} id={`policy-${policy.name}`}>
      <label class="switch">
        <input type="checkbox" role="switch" checked={on} onChange={(event) => page.set(policy.settings.switch, event.currentTarget.checked ? 1 : 0)} />
        <span>{name}</span>
      </label>
      {on && (
        <div class="settings">
          {intensity && <Size page={page} policy={policy} name={name} />}
          <div class="when">
            <Year label={t('from')} name={name} value={value(from)} low={Math.ceil(first)} high={last - 1} onInput={(year, settle) => page.set(from, year, settle)} />
            <Year label={t('until')} name={name} value={Math.min(value(until), last + 1)} low={value(from) + 1} high={last + 1} open={last} onInput={(year, settle) => page.set(until, year, settle)} />
            {ramp && <Number_ label={t('ramp')} name={name} setting={ramp} page={page} />}
          </div>
        </div>
      )}
    </div>
  )
}

/** A policy's size: a slider in the model's own measure, and yuan a year beside it, read from the run and set by it. */
function Size({ page, policy, name }) {
  const setting = policy.settings.intensity
  const value = page.plans.value(page.plan.value, setting)
  const high = setting.high ?? Math.max(setting.default * 10, value)
  const low = setting.low ?? 0
  // fine steps where plans are usually set, all of the range within reach
  const to = (x) => Number((low + (high - low) * (x / 1000) ** 2).toPrecision(3))
  const from = (v) => 1000 * Math.sqrt(Math.max(0, v - low) / (high - low || 1))
  const spent = page.sizeOf(policy)
  const shown = measure(page.header, setting, value)
  const [big, word] = [lang.value === 'zh' ? 1e8 : 1e6, t('yuan_big')]
  const set = (v, settle) => page.set(setting, v, settle)
  return (
    <div class="size">
      <p class="native">{said(setting.label)}: <output>{shown}</output></p>
      <input type="range" min="0" max="1000" step="1" value={from(value)} aria-label={t('size_of', { name })}
        aria-valuetext={`${shown}, ${amount(spent, 'yuan/year')}`}
        onInput={(event) => set(to(Number(event.currentTarget.value)), false)} onChange={(event) => set(to(Number(event.currentTarget.value)), true)} />
      <label class="money">
        <input type="number" min="0" step="any" value={Number.isFinite(spent) ? Number((spent / big).toPrecision(4)) : ''} aria-label={t('yuan_of', { name })}
          onChange={(event) => event.currentTarget.value !== '' && page.setYuan(policy, Number(event.currentTarget.value) * big)} />
        <span>{word}</span>
      </label>
    </div>
  )
}

function Year({ label, name, value, low, high, open, onInput }) {
  const shown = open !== undefined && value > open ? t('to_the_end') : String(Math.round(value * 100) / 100)
  return (
    <label class="year">
      <span>{label} <output>{shown}</output></span>
      <input type="range" min={low} max={high} step="1" value={value} aria-label={`${name}: ${label}`} aria-valuetext={shown}
        onInput={(event) => onInput(Number(event.currentTarget.value), false)} onChange={(event) => onInput(Number(event.currentTarget.value), true)} />
    </label>
  )
}

function Number_({ label, name, setting, page }) {
  const value = page.plans.value(page.plan.value, setting)
  return (
    <label class="number">
      <span>{label}</span>
      <input type="number" min={setting.low ?? undefined} max={setting.high ?? undefined} step="any" value={value} aria-label={`${name}: ${label}`}
        onChange={(event) => {
          const given = Number(event.currentTarget.value)
          if (event.currentTarget.value !== '' && Number.isFinite(given)) page.set(setting, clamp(given, setting), true)
          event.currentTarget.value = String(page.plans.value(page.plan.peek(), setting))
        }} />
    </label>
  )
}

const clamp = (value, { low, high }) => Math.min(high ?? Infinity, Math.max(low ?? -Infinity, value))

/** Money set aside for all policies together; empty: the share of the city's budget that it can spend. */
function Budget({ page }) {
  const setting = page.header.budget['yuan per year']
  if (!setting) return null
  const value = page.plans.value(page.plan.value, setting)
  const big = lang.value === 'zh' ? 1e8 : 1e6
  return (
    <div class="group">
      <label class="choice">
        <span>{t('budget_for_all')}</span>
        <span class="money">
          <input type="number" min="0" step="any" value={value > 0 && value !== setting.default ? Number((value / big).toPrecision(4)) : ''}
            onChange={(event) => page.set(setting, Number(event.currentTarget.value) * big || setting.default, true)} />
          {t('yuan_big')}
        </span>
      </label>
      <p class="hint">{t('budget_note')}</p>
    </div>
  )
}

/** Shocks are set by presets and files; here they are told, and can be taken out. */
function Shocks({ page }) {
  const plan = page.plan.value
  const set = page.header.shocks.filter((shock) => Object.values(shock.settings).some(({ slot }) => slot in plan.values))
  if (!set.length) return null
  const without = (shock) => {
    const values = { ...plan.values }
    for (const { slot } of Object.values(shock.settings)) delete values[slot]
    page.setPlan({ ...page.plans.retitled(plan), values })
  }
  return (
    <div class="shocks">
      <h2>{t('shocks')}</h2>
      {set.map((shock) => (
        <p key={shock.name}>
          {element(shock.name)}: {Object.entries(shock.settings).filter(([, { slot }]) => slot in plan.values).map(([, { slot, label }]) => `${said(label)} ${plan.values[slot]}`).join(lang.value === 'zh' ? '，' : ', ')}{' '}
          <button type="button" onClick={() => without(shock)}>{t('take_out')}</button>
        </p>
      ))}
    </div>
  )
}

const FIRST_MANY = 8

function Assumptions({ page }) {
  const [search, setSearch] = useState('')
  const [open, setOpen] = useState(false)
  const plan = page.plan.value
  const weighed = page.tornado.value
  const changed = (one) => Object.keys(one.slots).some((slot) => slot in plan.values)
  const all = weighed ?? page.header.assumptions.map((one) => ({ one }))
  const found = search
    ? all.filter(({ one }) => `${said(one.label)} ${one.name}`.toLowerCase().includes(search.toLowerCase()))
    : all.filter(({ one }, i) => i < FIRST_MANY || changed(one))
  const toggle = (event) => {
    setOpen(event.currentTarget.open)
    if (event.currentTarget.open) weighAssumptions(page)
  }
  return (
    <details class="group" open={open} onToggle={toggle}>
      <summary>{t('assumptions')} <span class="count">{t('count_changed', { count: page.header.assumptions.filter(changed).length })}</span></summary>
      <p class="hint">{t('assumptions_note')}</p>
      <input type="search" class="search" placeholder={t('search')} aria-label={t('search_assumption')} value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
      {open && found.slice(0, 30).map(({ one, low, high }) => <Assumption key={one.name} page={page} one={one} low={low} high={high} />)}
    </details>
  )
}

function Assumption({ page, one, low, high }) {
  const plan = page.plan.value
  const slots = Object.entries(one.slots)
  const [slot, own] = slots[0]
  const value = (plan.values[slot] ?? own) / (one.factor ? own : 1)
  const changed = slots.some(([each]) => each in plan.values)
  const put = (given, settle) => {
    const values = { ...plan.values }
    for (const [each, its] of slots) values[each] = one.factor ? its * given : given
    page.setPlan({ ...page.plans.retitled(plan), values }, settle, slot)
  }
  const reset = () => {
    const values = { ...plan.values }
    for (const [each] of slots) delete values[each]
    page.setPlan({ ...plan, values })
  }
  const name = said(one.label)
  const told = (number) => (one.factor ? `× ${digits(number)}` : amount(number, one.unit))
  const step = (one.high - one.low) / 200
  const shown = told(value)
  return (
    <div class={`assumption ${changed ? 'on' : ''}`}>
      <label>
        <span>{name} <output>{shown}</output></span>
        <input type="range" min={one.low} max={one.high} step={step} value={value} aria-valuetext={shown}
          onInput={(event) => put(Number(event.currentTarget.value), false)} onChange={(event) => put(Number(event.currentTarget.value), true)} />
      </label>
      <p class="hint">
        {t('range', { low: told(one.low), high: told(one.high) })}{low !== undefined && ' ' + t('moves', { change: amount(Math.abs(high - low), 'person') })}{' '}
        {one.source !== 'posterior' ? <>{t('source')} <span lang="en">{one.source}.</span></> : t('fitted_source')}{' '}
        {changed && <button type="button" onClick={reset}>{t('back_to', { value: told(one.factor ? 1 : own) })}</button>}
      </p>
    </div>
  )
}

function Loops({ page }) {
  const plan = page.plan.value
  if (!page.header.loops.length) return null
  const cut = page.header.loops.filter(({ slot }) => plan.values[slot] === 0).length
  return (
    <details class="group">
      <summary>{t('loops')} <span class="count">{cut ? t('count_cut', { count: cut }) : t('all_closed')}</span></summary>
      <p class="hint">{t('loops_note')}</p>
      <div class="loops">
        {page.header.loops.map(({ name, label, slot }) => (
          <label class="switch" key={name}>
            <input type="checkbox" role="switch" checked={plan.values[slot] !== 0} onChange={(event) => page.set({ slot, default: 1 }, event.currentTarget.checked ? 1 : 0)} />
            <span>{said(label)}</span>
          </label>
        ))}
      </div>
    </details>
  )
}
