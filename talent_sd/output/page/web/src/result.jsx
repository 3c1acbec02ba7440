// The right side: the plan in one sentence, its cost, what each policy adds, warnings.
import { useEffect, useState } from 'preact/hooks'
import { COLOURS } from './chart.jsx'
import { download, pageWith } from './files.js'
import { notice } from './state.js'
import { amount, apart, digits, hundredth, lang, measure, named, percent, planName, ranged, relativeChange, said, scale, signed, spans, t } from './words.js'

export function Result({ page }) {
  const fans = page.fans.value
  if (!fans.plan) return <section class="result" id="result" aria-label={t('result')}><p>{t('running')}</p></section>
  const found = page.found.value
  return (
    <section class="result" id="result" aria-label={t('result')}>
      <h2><Heading page={page} /></h2>
      <p class="sentence" role="status" aria-live="polite"><Sentence page={page} found={found} /></p>
      <Warnings page={page} fans={fans} />
      <Missing page={page} />
      <Money page={page} found={found} />
      <Printed page={page} />
      <Shares page={page} />
      <Offers page={page} />
      <Keep page={page} />
      <Trusted page={page} />
    </section>
  )
}

const Heading = ({ page }) => t('plan_in_city', { plan: page.name(), city: said(page.header.cities[page.city.value].title) })

function Sentence({ page, found }) {
  const last = page.years.at(-1)
  const name = named(page.header.roles.people)
  if (!found) return t('running')
  if (!found.some) return t('sentence_nothing', { city: said(page.header.cities[page.city.value].title) })
  const [change, span] = ranged(found.change, found.low, found.high, 'person', true)
  const values = {
    year: last, draws: page.header.draws, name, change, span,
    chance: `${hundredth(found.better)}`, first: found.first, last: found.until,
  }
  const spends = found.cost && found.cost[1] > 0
  return (
    <>
      <strong>{t('sentence_change', values)}</strong>{' '}
      {[t('sentence_span', values), spends && t('sentence_cost', { ...values, ...moneyOf(found) }), t('sentence_chance', values)].filter(Boolean).join(apart())}
    </>
  )
}

/** What a plan costs, in all and a year, with intervals. */
function moneyOf({ whole, cost }) {
  const [[all, all_span], [money, money_span]] = [whole, cost].map(([low, middle, high]) => ranged(middle, low, high, 'yuan'))
  return { whole: all, whole_span: all_span, money, money_span }
}

/** The sentence's heart, for a screen that shows one part at a time. */
export function Mini({ page }) {
  const found = page.found.value
  if (!found?.some) return null
  const [size] = ranged(found.change, found.low, found.high, 'person', true)
  const change = t('sentence_change', { year: page.years.at(-1), draws: page.header.draws, change: size })
  const cost = found.cost?.[1] > 0 ? ranged(found.cost[1], found.cost[0], found.cost[2], 'yuan/year') : []
  return <p class="mini" aria-hidden="true"><strong>{change}</strong>{cost.length ? ` · ${cost[0]}` : ''}</p>
}

function Money({ page, found }) {
  if (!found?.cost || !(found.cost[1] > 0) || found.share === null) return null
  const share = Math.min(1, found.share)
  const { view } = page.fans.value
  const own = page.plans.value(view.plans[view.active], page.header.budget['yuan per year'])
  return (
    <div class="money-line">
      <p>{t(own > 0 ? 'budget_used_own' : 'budget_used', { share: percent(found.share) })}</p>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" class="bar" aria-hidden="true"><rect width="100" height="6" class="ground" /><rect width={100 * share} height="6" class="filled" /></svg>
    </div>
  )
}

function Warnings({ page, fans }) {
  const view = fans.view
  const plan = view.plans[view.active]
  const { header } = page
  const told = []
  told.push(...header.cities[plan.city].gaps.map(said))
  const reading = page.plans.readingOf(plan)
  if (Object.keys(reading.values).length) told.push(`${said(reading.title)}: ${said(reading.summary)}`)
  const paid = header.roles.paid && page.row(fans.central, header.roles.paid)
  if (paid) {
    const short = page.years.filter((_, i) => paid[i] < 0.995)
    if (short.length) {
      const least = Math.min(...paid)
      const values = { least: percent(least), year: page.years[paid.indexOf(least)], first: short[0], last: short.at(-1) }
      told.push(t('warn_budget', values))
    }
  }
  for (const policy of header.policies) {
    const setting = policy.settings.intensity
    if (!setting || !page.plans.isOn(plan, policy)) continue
    const most = Math.max(setting.default, ...header.presets.map((one) => one.values[setting.slot] ?? 0))
    if (page.plans.value(plan, setting) > most * 1.000001) told.push(t('warn_size', { name: said(policy.label), times: digits(page.plans.value(plan, setting) / most, 2) }))
  }
  for (const one of header.assumptions) {
    const [slot, own] = Object.entries(one.slots)[0]
    const value = (plan.values[slot] ?? own) / (one.factor ? own : 1)
    if (slot in plan.values && (value < one.low || value > one.high)) told.push(t('warn_assumption', { name: said(one.label) }))
  }
  const cut = header.loops.filter(({ slot }) => plan.values[slot] === 0)
  if (cut.length) told.push(t('warn_loops', { names: cut.map(({ label }) => said(label)).join(', ') }))
  if (!told.length) return null
  return <ul class="warnings">{told.map((text) => <li key={text}>{text}</li>)}</ul>
}

/** What stands in for figures that the city lacks, and how far each moves the last year: the table of `check`. */
function Missing({ page }) {
  const told = page.header.cities[page.city.value].missing[lang.value]
  if (!told) return null
  return (
    <details class="group missing">
      <summary>{told.title}</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label={told.title}>
        <table>
          <thead><tr>{told.headings.map((head) => <th key={head} scope="col">{head}</th>)}</tr></thead>
          <tbody>{told.rows.map(([name, ...cells]) => <tr key={name}><th scope="row">{name}</th>{cells.map((cell, i) => <td key={i}>{cell}</td>)}</tr>)}</tbody>
        </table>
      </div>
      {told.notes.map((text) => <p key={text} class="hint">{text}</p>)}
    </details>
  )
}

/** What the plan sets, for paper: on a screen the sliders say it. */
function Printed({ page }) {
  const plan = page.plan.value
  const value = (setting) => page.plans.value(plan, setting)
  const on = page.header.policies.filter((policy) => page.plans.isOn(plan, policy))
  return (
    <ul class="printed">
      {on.map(({ name, label, settings }) => (
        <li key={name}>
          {said(label)}: {spans(page.plans.years(plan, { settings }))}
          {settings.intensity && `, ${said(settings.intensity.label)} ${measure(page.header, settings.intensity, value(settings.intensity))}`}
        </li>
      ))}
    </ul>
  )
}

/** To a part of the page; the address's fragment belongs to the plan. */
export function goTo(id) {
  const part = document.getElementById(id)
  part.closest('details')?.setAttribute('open', '')
  part.scrollIntoView({ block: 'start' })
  part.tabIndex = -1
  part.focus({ preventScroll: true })
}

/** Policies or presets with what they add and cost: {name, label, value, error, cost, each, falls, onClick}. */
export function Adding({ title, first, rows, total = null }) {
  const most = Math.max(...rows.map(({ value }) => Math.abs(value)), 1e-9)
  const people = scale(Math.max(most, Math.abs(total?.value ?? 0)), 'person')
  const money = scale(Math.max(0, ...[...rows, total ?? {}].map(({ cost }) => cost?.[1] || 0)), 'yuan/year')
  const plain = (value, beside) => signed(value / people.factor, 3, beside / people.factor)
  const cost = (yuan) => (yuan && Number.isFinite(yuan[1]) ? [digits(yuan[1] / money.factor), yuan[1] > 0 && <small>{t('low_to_high', { low: digits(yuan[0] / money.factor), high: digits(yuan[2] / money.factor) })}</small>] : '–')
  const thousand = lang.value === 'zh' ? 1e4 : 1e3
  return (
    <table aria-label={title}>
      <thead><tr><th scope="col">{first}</th><th scope="col">{t('adds')}<small>{people.unit}</small></th><th scope="col">{t('costs')}<small>{money.unit}</small><small class="each">{t('each')}</small></th></tr></thead>
      <tbody>
        {rows.map(({ name, label, value, error, cost: yuan, each, falls, onClick, told }) => (
          <tr key={name}>
            <th scope="row">
              {onClick ? <button type="button" class="plain" aria-label={told} onClick={onClick}>{label}</button> : label}
              <svg viewBox="0 0 100 4" preserveAspectRatio="none" class="bar" aria-hidden="true"><rect width={(100 * Math.abs(value)) / most} height="4" class={value < 0 ? 'bad' : 'filled'} /></svg>
            </th>
            <td>{plain(value, most / 10)}{error > 0 && <small> ± {digits(error / people.factor, 2)}</small>}</td>
            <td>{cost(yuan)}<small class="each">{eachText(each, falls, (yuan) => digits(yuan / thousand))}</small></td>
          </tr>
        ))}
        {total && <tr class="total"><th scope="row">{t('together_all')}</th><td>{plain(total.value, most / 10)}</td><td>{cost(total.cost)}<small class="each">{eachText(total.each, total.falls, (yuan) => digits(yuan / thousand))}</small></td></tr>}
      </tbody>
    </table>
  )
}

/** A cost per person, or why there is none: what policies add is told as Python's `no_ratio` does; "" of what costs nothing. */
const eachText = (each, falls, write) => (Number.isFinite(each) ? write(each) : each === Infinity ? t(falls ? 'takes_away' : 'adds_nothing') : '')

/** How a cost per person is reckoned. */
export const present = (page) => t('present_value', { rate: digits(100 * page.header.money.rate, 2), base: page.header.money.base })

function Shares({ page }) {
  const shares = page.shares.value
  if (!shares) return <p class="hint">{t('shares_wait')}</p>
  if (!shares.parts.length) return null
  const row = ({ policy, value, error, cost, each, falls }) => ({ name: policy.name, label: said(policy.label), value, error, cost, each, falls,
    onClick: () => goTo(`policy-${policy.name}`), told: t('go_to', { name: said(policy.label) }) })
  const rows = shares.parts.map(row).sort((a, b) => b.value - a.value)
  const { change = NaN, cost, each, falls } = page.found.value ?? {}
  return (
    <div class={`shares ${shares.stale ? 'stale' : ''}`}>
      <h3>{t('shares')}</h3>
      <Adding title={t('shares')} first={t('policy')} rows={rows} total={{ value: change, cost, each, falls }} />
      <p class="hint">{t(shares.exact ? 'shares_exact' : 'shares_sampled', { draws: t(shares.draws < page.header.draws ? 'draws_some' : 'draws_all', { draws: shares.draws, among: page.header.draws }), name: named(page.header.roles.people), year: page.years.at(-1) })} {present(page)}</p>
    </div>
  )
}

/** What the policies that are not in the plan would add to it; the cheapest first. */
function Offers({ page }) {
  const offers = page.offers.value
  const [open, setOpen] = useState(false)
  const { view } = page.fans.value
  const bare = !page.header.policies.some((policy) => page.plans.isOn(view.plans[view.active], policy))
  useEffect(() => {
    if (bare) setOpen(true) // who has nothing yet looks for something
  }, [bare])
  if (!offers?.parts.length) return null
  const rows = offers.parts.map(({ policy, value, cost, each, falls }) => ({
    name: policy.name, label: said(policy.label), value, cost, each, falls,
    onClick: () => page.set(policy.settings.switch, 1), told: t('switch_on', { name: said(policy.label) }),
  }))
  rows.sort((a, b) => (a.each === b.each ? 0 : a.each - b.each) || b.value - a.value)
  return (
    <details class={`shares offers ${offers.stale ? 'stale' : ''}`} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('offers')}</summary>
      <Adding title={t('offers')} first={t('policy')} rows={rows} />
      <p class="hint">{t('offers_note', { name: named(page.header.roles.people), year: page.years.at(-1) })} {present(page)}</p>
    </details>
  )
}

function Keep({ page }) {
  const open = async (event) => {
    const [file] = event.currentTarget.files
    event.currentTarget.value = ''
    if (file) page.open(await file.text())
  }
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(location.href)
      notice.value = { word: location.protocol === 'file:' ? 'link_copied_here' : 'link_copied', kind: 'done' }
    } catch {
      notice.value = { word: 'link_in_bar', kind: 'done' }
    }
  }
  const name = page.name()
  const save = (ending, content, type) => (notice.value = { word: 'saved', values: { file: download(`${name}.${ending}`, content, type) }, kind: 'done' })
  const rename = (text) => page.setPlan({ ...page.plan.peek(), preset: null, title: text ? { en: text, zh: text } : null })
  return (
    <div class="keep">
      <h3>{t('keep')}</h3>
      <label class="choice"><span>{t('plan_name')}</span><input type="text" value={name} onChange={(event) => rename(event.currentTarget.value.trim())} /></label>
      <div class="buttons">
        {self === top && <button type="button" onClick={copy}>{t('copy_link')}</button>}
        <button type="button" onClick={() => save('html', pageWith(page.source, page.fragment()), 'text/html')}>{t('save_page')}</button>
        <button type="button" onClick={() => save('yaml', page.yaml(), 'text/yaml')}>{t('save_plan')}</button>
        <label class="button"><input type="file" accept=".yaml,.yml,text/yaml" onChange={open} />{t('open_plan')}</label>
        <button type="button" onClick={() => print()}>{t('print')}</button>
      </div>
      <p class="hint">{t('keep_note')}</p>
    </div>
  )
}

function Trusted({ page }) {
  const { header } = page
  const records = Object.entries(header.tested)
  const own = header.city_records[page.city.value] ?? {}
  return (
    <details class="group trusted">
      <summary>{t('trust')}</summary>
      <p>{t('trust_text', { draws: header.draws, seed: header.seed })}</p>
      {records.length > 0 && (
        <table>
          <caption>{t('trust_caption', { cities: records[0][1].cities, first: records[0][1].years[0], last: records[0][1].years[1] })}</caption>
          <thead><tr><th scope="col">{t('output')}</th><th scope="col">{t('missed_by')}</th><th scope="col">{t('simple_rule')}</th><th scope="col">{t('held')}</th><th scope="col">{t('here')}</th></tr></thead>
          <tbody>
            {records.map(([name, one]) => (
              <tr key={name}>
                <th scope="row">{named(name)}</th><td>{percent(one.error)}</td><td>{percent(one.best)}</td><td>{percent(one.coverage)}</td>
                <td>{own[name] === undefined ? '–' : relativeChange(Math.expm1(own[name]))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p class="hint">{t('trust_here')}</p>
      {header.caveats.map((text) => <p key={said(text)} class="hint">{said(text)}</p>)}
      <p class="hint">talent_sd {header.version}, {header.model.name} {header.model.sha256.slice(0, 8)}. {t('safari')}</p>
    </details>
  )
}

/** Plans side by side. */
export function Beside({ page }) {
  const rows = page.beside.value
  if (!rows.length) return null
  const plans = rows.map(({ plan }) => plan)
  return (
    <section class="beside" aria-label={t('side_by_side')}>
      <table>
        <caption>{t('side_by_side')}: {named(page.header.roles.people)}, {page.years.at(-1)}</caption>
        <thead><tr><th scope="col">{t('plan')}</th><th scope="col">{t('adds')}</th><th scope="col">{t('range80')}</th><th scope="col">{t('better_in')}</th><th scope="col">{t('costs_all')}</th><th scope="col">{t('costs')}</th><th scope="col">{t('yuan_each')}</th></tr></thead>
        <tbody>
          {rows.map(({ plan, found }, i) => {
            if (!found) return null
            const [added, held] = ranged(found.change, found.low, found.high, 'person', true)
            return (
              <tr key={i}>
                <th scope="row"><svg class="swatch" viewBox="0 0 24 8" aria-hidden="true"><rect y="2" width="24" height="4" fill={COLOURS[i]} /></svg>{t('plan_in_city', { plan: planName(plan, i, plans), city: said(page.header.cities[plan.city].title) })}</th>
                <td>{added}</td>
                <td>{held}</td>
                <td>{hundredth(found.better)}&nbsp;%</td>
                {[[found.whole, 'yuan'], [found.cost, 'yuan/year']].map(([yuan, unit]) => {
                  const [middle, ends] = yuan ? ranged(yuan[1], yuan[0], yuan[2], unit) : ['–']
                  return <td key={unit}>{middle}{ends && <small>{ends}</small>}</td>
                })}
                <td>{eachText(found.each, found.falls, (yuan) => amount(yuan, 'yuan'))}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
      <p class="hint">{present(page)}</p>
    </section>
  )
}
