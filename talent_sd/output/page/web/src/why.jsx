// Why? What drives an output, link by link, down to a city's figure and its source.
import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { Drivers } from './drivers.js'
import { why } from './state.js'
import { amount, lang, named, said, scale, signed, t, variable } from './words.js'

export function Why({ page }) {
  const dialog = useRef(null)
  const asked = why.value
  useEffect(() => {
    if (asked && !dialog.current.open) dialog.current.showModal()
  }, [asked])
  return (
    <dialog class="why" ref={dialog} onClose={() => (why.value = null)} aria-labelledby="why-title">
      {asked && <Inside page={page} asked={asked} close={() => dialog.current.close()} />}
    </dialog>
  )
}

function Inside({ page, asked, close }) {
  const drivers = useMemo(() => new Drivers(page.model), [page])
  const start = page.model.places.get(asked)
  const trail = useSignal([start])
  const year = useSignal(page.years.length - 1)
  const plan = page.plan.value
  const changes = Object.keys(page.plans.baseline(plan).values).length !== Object.keys(plan.values).length
  const mode = useSignal(changes ? 'plan' : 'year')
  const own = useComputed(() => drivers.vectors(page.plan.value))
  const base = useComputed(() => drivers.vectors(page.plans.baseline(page.plan.value)))
  const slot = trail.value.at(-1)
  const found = drivers.of(slot, plan, own.value, mode.value === 'plan' ? base.value : null, year.value)
  const heading = useRef(null)
  useEffect(() => heading.current?.focus(), [slot])
  const go = (next) => (trail.value = [...trail.value, next])
  return (
    <>
      <header>
        <h2 id="why-title" ref={heading} tabIndex={-1}>{t('why_title', { name: label(page, drivers, slot) })}</h2>
        <button type="button" class="close" onClick={close}>{t('close')}</button>
      </header>
      <nav aria-label={t('way_here')}>
        <ol class="trail">
          {trail.value.map((one, i) => (
            <li key={i}>
              {i < trail.value.length - 1 ? <button type="button" onClick={() => (trail.value = trail.value.slice(0, i + 1))}>{label(page, drivers, one)}</button> : <span aria-current="step">{label(page, drivers, one)}</span>}
            </li>
          ))}
        </ol>
      </nav>
      <div class="asked">
        <label>{t('year')} <output>{page.years[year.value]}</output>
          <input type="range" min="1" max={page.years.length - 1} value={year.value} onInput={(event) => (year.value = Number(event.currentTarget.value))} />
        </label>
        <fieldset>
          <legend class="hidden">{t('compared_with')}</legend>
          <label><input type="radio" name="mode" checked={mode.value === 'plan'} disabled={!changes} onChange={() => (mode.value = 'plan')} />{t('against_none')}</label>
          <label><input type="radio" name="mode" checked={mode.value === 'year'} onChange={() => (mode.value = 'year')} />{t('since_last')}</label>
        </fieldset>
      </div>
      <Link page={page} drivers={drivers} slot={slot} found={found} against={mode.value === 'plan'} go={go} />
    </>
  )
}

/** A slot in words; one inside a delay is told by what is delayed. */
function label(page, drivers, slot) {
  const { names, reads, variables } = page.header.slots
  if (!drivers.hidden.has(slot)) return named(names[slot])
  const inner = reads[slot].find((one) => one !== slot && !drivers.hidden.has(one) && page.header.slots.kinds[one] !== 'constant')
  return t('delayed', { name: inner === undefined ? variable(variables[slot]) : named(names[inner]) })
}

function Link({ page, drivers, slot, found, against, go }) {
  const { header } = page
  const { names, variables, kinds, tables, table_names: lookups } = header.slots
  const one = header.variables[variables[slot]] ?? { unit: '', doc: '' }
  const unit = one.unit
  const values = { before: amount(found.before, unit, { significant: 4 }), now: amount(found.now, unit, { significant: 4 }) }
  const constant = kinds[slot] === 'constant'
  const moving = found.causes.filter(({ effect }) => Math.abs(effect) > 1e-9 * Math.max(Math.abs(found.changed), 1e-300) && effect !== 0)
  const still = found.causes.filter((cause) => !moving.includes(cause))
  const rate = found.stock ? `${unit}/year` : unit
  const by = scale(Math.max(...moving.map(({ effect }) => Math.abs(effect)), Math.abs(found.changed) || 0), header.units[rate] ? rate : unit)
  const most = Math.max(...moving.map(({ effect }) => Math.abs(effect)), Math.abs(found.changed) || 0) / by.factor
  const effect = (value) => signed(value / by.factor, 3, Math.min(most / 10, Math.abs((100 * value) / by.factor))) // what is small keeps a digit
  const delayed = kinds[slot] === 'initial'
  return (
    <>
      {one.doc && <p class="doc">{lang.value === 'en' ? one.doc : <>{t('model_says')}<span lang="en">{one.doc}</span></>}</p>}
      {constant ? <Source page={page} slot={slot} value={found.now} /> : <p><strong>{t(against ? 'value_against' : 'value_since', values)}</strong> {found.stock && t('stock_note')} {delayed && t('start_note')}</p>}
      {!constant && (
        <table>
          <caption>{t(found.stock ? 'causes_of_change' : 'causes', { name: label(page, drivers, slot), unit: by.unit }).replace(/[,，]\s*$/, '')}</caption>
          <thead><tr><th scope="col">{t('cause')}</th><th scope="col">{t(against ? 'without' : 'year_before')}</th><th scope="col">{t(against ? 'with_plan' : 'this_year')}</th><th scope="col">{t('does')}</th></tr></thead>
          <tbody>
            {moving.map((cause) => <Cause key={cause.slot} page={page} drivers={drivers} cause={cause} go={go} effect={effect} />)}
            {Math.abs(found.clock) > 1e-9 * Math.abs(found.changed) && <tr><th scope="row">{t('time_itself')}{tables[slot] && `: ${tables[slot].map((i) => variable(lookups[i].split('[')[0])).join(', ')}`}</th><td /><td /><td>{effect(found.clock)}</td></tr>}
            {Math.abs(found.rest) > 1e-3 * Math.abs(found.changed) && <tr><th scope="row">{t('together')}</th><td /><td /><td>{effect(found.rest)}</td></tr>}
            <tr class="total"><th scope="row">{t('total')}</th><td /><td /><td>{effect(found.changed)}</td></tr>
          </tbody>
        </table>
      )}
      {still.length > 0 && !constant && (
        <details>
          <summary>{t('causes_still', { count: still.length })}</summary>
          <table>
            <caption class="hidden">{t('causes_still', { count: still.length })}</caption>
            <thead class="hidden"><tr><th scope="col">{t('cause')}</th><th scope="col">{t('year_before')}</th><th scope="col">{t('this_year')}</th><th scope="col">{t('does')}</th></tr></thead>
            <tbody>{still.map((cause) => <Cause key={cause.slot} page={page} drivers={drivers} cause={cause} go={go} effect={() => '0'} />)}</tbody>
          </table>
        </details>
      )}
      <p class="hint">{t('central_note', { draws: header.draws })} {t('name_in_model')} <span class="code" lang="en">{names[slot]}</span></p>
    </>
  )
}

function Cause({ page, drivers, cause, go, effect }) {
  const unit = page.header.variables[page.header.slots.variables[cause.slot]]?.unit ?? ''
  return (
    <tr>
      <th scope="row"><button type="button" onClick={() => go(cause.slot)}>{label(page, drivers, cause.slot)}</button></th>
      <td>{amount(cause.before, unit)}</td><td>{amount(cause.now, unit)}</td><td>{effect(cause.effect)}</td>
    </tr>
  )
}

/** Where a constant's value comes from: the plan, the city's figures, or the model. */
function Source({ page, slot, value }) {
  const plan = page.plan.value
  const name = page.header.slots.names[slot]
  const unit = page.header.variables[page.header.slots.variables[slot]]?.unit ?? ''
  const city = page.header.cities[plan.city]
  const own = city.sources[name] ?? city.sources[name.split('[')[0]]
  const text = slot in plan.values ? t('source_plan') : own ? t('source_city', { city: said(city.title) }) : t('source_model', { file: page.header.model.name })
  return (
    <p>
      <strong>{amount(value, unit, { significant: 4 })}</strong>. {text} {own && !(slot in plan.values) && <span lang="en">{own}</span>}
    </p>
  )
}
