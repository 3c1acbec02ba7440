// Words and numbers in the reader's language. Python gives the words; numbers are written as its reports write them.
import { signal } from '@preact/signals'
import { digits, fixed, relative, signed, yearSpans } from './numbers.js'

export { digits, fixed, hundredth, relative, signed } from './numbers.js'

export const lang = signal('en')
let header = null

export function speak(content) {
  header = content
}

export function t(key, values = {}) {
  const text = header?.words[lang.value][key] ?? key
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? '')).replace(/ %/g, '\u00a0%')
}

export const said = (text) => text?.[lang.value] ?? text?.en ?? ''
export const variable = (name) => header.variables[name]?.[lang.value] ?? name
export const element = (name) => header.elements[name]?.[lang.value] ?? name.replaceAll('_', ' ')

/** "variable[element]" in words. */
export function named(key) {
  const [name, rest] = key.split('[')
  if (!rest) return variable(name)
  const elements = rest.slice(0, -1).split(',').map(element).join(lang.value === 'zh' ? '、' : ', ')
  return lang.value === 'zh' ? `${variable(name)}：${elements}` : `${variable(name)}: ${elements}`
}

/** Factor and unit in which the largest value has few digits. */
export function scale(largest, unit) {
  const label = header.units[unit]?.[lang.value]
  const size = Math.abs(largest) < 1e4 ? 0 : Math.max(Math.abs(largest), header.least_steps[lang.value]?.[unit] ?? 0)
  if (label && Number.isFinite(largest))
    for (const [factor, name] of header.steps[lang.value])
      if (size >= Math.max(factor, 1e4))
        return { factor, unit: lang.value === 'en' ? `${name} ${label.many}` : `${name}${label.one}` }
  return { factor: 1, unit: label ? (lang.value === 'en' ? label.many : label.one) : '' }
}

const YEARLY_SHARE = '1/year'
const gap = () => (lang.value === 'zh' ? '' : '\u00a0')

/** A number with its unit; beside a larger one, no finer than that one is told. */
export function amount(value, unit, { sign = false, significant = 3, beside = 0 } = {}) {
  if (unit === YEARLY_SHARE) return t('share_a_year', { share: digits(100 * value, significant) })
  const by = scale(Math.max(Math.abs(value), Math.abs(beside)), unit)
  const text = (sign ? signed : digits)(value / by.factor, significant, beside / by.factor)
  return `${text}${by.unit ? gap() + by.unit : ''}`
}

/** A number and its interval, which share one unit: [number, interval]; it is no finer than a tenth of the wider end. */
export function ranged(value, low, high, unit, sign = false) {
  const wide = Math.max(Math.abs(low), Math.abs(high))
  const by = scale(Math.max(Math.abs(value), wide), unit)
  const write = (one, beside) => (sign ? signed : digits)(one / by.factor, 3, beside / by.factor)
  const tail = by.unit ? gap() + by.unit : ''
  return [write(value, wide / 10) + tail, t('low_to_high', { low: write(low, wide), high: write(high, wide) }) + tail]
}

/** Two ends of an interval with one unit. */
export const span = (low, high, unit) => ranged(high, low, high, unit)[1]

export const spans = (years) => yearSpans(years, lang.value)

/** What stands between two sentences. */
export const apart = () => (lang.value === 'zh' ? '' : ' ')

export const percent = (share) => `${fixed(100 * share)}${gap()}%`
export const relativeChange = (share) => `${relative(share)}${gap()}%`

/** A setting's value in its own unit; what has none is a share. */
export function measure(header, setting, value) {
  if (setting.unit === YEARLY_SHARE) return amount(value, YEARLY_SHARE)
  const unit = header.units[setting.unit]?.[lang.value].one
  return unit ? `${digits(value)}${gap()}${unit}` : `${digits(100 * value)}${gap()}%`
}

/** What a plan is called among others, or alone. */
export const planName = (plan, i, plans) => said(plan.title) || (plans.length > 1 ? t('plan_n', { n: i + 1 }) : t('own_plan'))
