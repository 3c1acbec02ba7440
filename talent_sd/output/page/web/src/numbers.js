// Numbers and years as Python's `speech.py` writes them, to the last digit.

/** A number as `digits` writes it, with its sign; nought has none. */
export function signed(value, significant = 3, beside = 0) {
  const text = digits(value, significant, beside)
  return value > 0 && text !== '0' ? `+${text}` : text
}

/** A number with so many decimals, halves away from zero: `fixed` of Python; −0 is 0. */
export function fixed(value, decimals = 0) {
  const text = Math.abs(value).toFixed(decimals)
  return value < 0 && /[1-9]/.test(text) ? `-${text}` : text
}

export function digits(value, significant = 3, beside = 0) {
  if (!Number.isFinite(value)) return '–'
  const size = Math.max(Math.abs(value), Math.abs(beside))
  if (value === 0 || Math.abs(value) <= 1e-4 * Math.abs(beside)) return '0'
  const decimals = Math.min(9, Math.max(0, significant - 1 - Number(size.toExponential().split('e')[1])))
  // by hand: toLocaleString takes longer than all charts together
  const [whole, part] = fixed(Math.abs(value), decimals).split('.')
  const text = whole.replace(/\B(?=(\d{3})+$)/g, ',') + (part ? `.${part}` : '')
  if (!/[1-9]/.test(text)) return '0'
  return value < 0 ? `−${text}` : text
}

/** A relative change in per cent with its sign, as `percent` of Python without its blank: below 1 % two decimals. */
export function relative(change) {
  if (!Number.isFinite(change)) return '–'
  const found = [99.95, 0.995, 0.005, 0.0005].findIndex((least) => Math.abs(change) * 100 >= least)
  const text = fixed(change * 100, found < 0 ? 1 : found).replace('-', '−')
  return change > 0 && /[1-9]/.test(text) ? `+${text}` : text
}

/** A share of draws, of a hundred: all of them, and none, are told only where it is so. */
export const hundredth = (share) => (share > 0 && share < 1 ? Math.min(99, Math.max(1, Number(fixed(100 * share)))) : 100 * share)

/** The years in which a policy is on for a while at least: `years_in_force` of Python. */
export function yearsInForce(start, end, from = Infinity, until = Infinity) {
  const years = Array.from({ length: Math.max(0, Math.ceil(end) - Math.floor(start)) }, (_, i) => Math.floor(start) + i)
  return years.filter((year) => !(from <= Math.max(year, start) && Math.min(year + 1, end) <= until))
}

/** Years as runs of those that follow one another: `year_spans` of Python. */
export function yearSpans(years, lang) {
  const runs = []
  for (const year of years) {
    if (runs.at(-1)?.[1] === year - 1) runs.at(-1)[1] = year
    else runs.push([year, year])
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(lang === 'zh' ? '、' : ', ')
}
