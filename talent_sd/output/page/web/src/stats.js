// Quantiles over draws, and Shapley shares over coalitions of policies.

export const LEVELS = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]

/** Quantiles of values, a straight line between ranks (as numpy's default). */
export function quantiles(values, levels = LEVELS) {
  const sorted = Float64Array.from(values).sort()
  const last = sorted.length - 1
  return levels.map((level) => {
    const at = level * last
    const low = Math.floor(at)
    return sorted[low] + (at - low) * (sorted[Math.min(low + 1, last)] - sorted[low])
  })
}

/** Levels x years from (years x draws). */
export function bands(values, years, levels = LEVELS) {
  const draws = values.length / years
  const found = levels.map(() => new Float64Array(years))
  for (let year = 0; year < years; year++)
    quantiles(values.subarray(year * draws, (year + 1) * draws), levels).forEach((value, i) => (found[i][year] = value))
  return found
}

export const EXACT = 8
const ORDERS = 12

/** A fixed sequence of numbers in [0, 1): the same page shows the same sampled orders each time. */
function* chances(seed) {
  let state = seed >>> 0
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield state / 2 ** 32
  }
}

/** Coalitions to run, as lists of truth values, and how to read shares from their values. */
export function coalitions(count) {
  if (count <= EXACT) {
    const sets = Array.from({ length: 1 << count }, (_, mask) => Array.from({ length: count }, (_, i) => ((mask >> i) & 1) === 1))
    return { sets, shares: (values) => [exact(values, count)], exact: true }
  }
  const random = chances(1)
  const orders = []
  for (let k = 0; k < ORDERS; k++) {
    const order = Array.from({ length: count }, (_, i) => i)
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random.next().value * (i + 1))
      ;[order[i], order[j]] = [order[j], order[i]]
    }
    orders.push(order, [...order].reverse())
  }
  const places = new Map()
  const sets = []
  const place = (set) => {
    const key = set.map(Number).join('')
    if (!places.has(key)) {
      places.set(key, sets.length)
      sets.push(set)
    }
    return places.get(key)
  }
  const walks = orders.map((order) => {
    const set = new Array(count).fill(false)
    const steps = [place([...set])]
    for (const i of order) {
      set[i] = true
      steps.push(place([...set]))
    }
    return { order, steps }
  })
  const one = ({ order, steps }, values) => {
    const found = new Array(count)
    order.forEach((policy, k) => (found[policy] = values[steps[k + 1]] - values[steps[k]]))
    return found
  }
  return { sets, shares: (values) => walks.map((walk) => one(walk, values)), exact: false }
}

function exact(values, count) {
  const factorial = [1]
  for (let i = 1; i <= count; i++) factorial.push(factorial[i - 1] * i)
  return Array.from({ length: count }, (_, policy) => {
    let sum = 0
    for (let mask = 0; mask < 1 << count; mask++) {
      if ((mask >> policy) & 1) continue
      let size = 0
      for (let i = 0; i < count; i++) size += (mask >> i) & 1
      const weight = (factorial[size] * factorial[count - size - 1]) / factorial[count]
      sum += weight * (values[mask | (1 << policy)] - values[mask])
    }
    return sum
  })
}

export const median = (values) => quantiles(values, [0.5])[0]

const NEARLY_ALL = 0.9 // as Python's

/** Median of yuan per unit added, over draws, as Python's `cost_ratio` and `ranked` give it: infinite where nothing is; whether it falls. */
export function perUnit(yuan, added) {
  const sorted = yuan.map((paid, d) => (added[d] > 0 ? paid / added[d] : Infinity)).sort((a, b) => (a === b ? 0 : a - b))
  const [low, high] = [Math.floor, Math.ceil].map((end) => sorted[end((sorted.length - 1) / 2)])
  const falls = added.filter((value) => value < 0).length / added.length > NEARLY_ALL
  return { each: high === Infinity ? Infinity : (low + high) / 2, falls }
}

/** Share of the draws in which one does better than another; equal ones count half, as Python's `beaten`. */
export function beaten(one, other) {
  const share = (test) => one.filter(test).length / one.length
  return share((value, d) => value > other[d]) + 0.5 * share((value, d) => value === other[d])
}

/** Places of plans by how many others each beats in more than half of the draws, as Python's `ranking`. */
export function byDuels(lists) {
  const better = lists.map((a) => lists.map((b) => beaten(a, b)))
  const won = better.map((row, i) => row.filter((value, j) => value > better[j][i]).length)
  const sum = better.map((row) => row.reduce((total, value) => total + value, 0))
  return lists.map((_, i) => i).sort((i, j) => won[j] - won[i] || sum[j] - sum[i])
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length

export function standardError(values) {
  if (values.length < 2) return 0
  const middle = mean(values)
  return Math.sqrt(values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1) / values.length)
}
