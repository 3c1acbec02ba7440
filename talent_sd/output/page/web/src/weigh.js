// What is weighed when the sliders rest: policies of the plan, policies that it could have, presets, assumptions.
import { coalitions, mean, median, perUnit, quantiles, standardError } from './stats.js'

const [SPLIT_RUNS, FEWEST] = [6400, 20] // as `talent-sd compare` splits mixes (Python's `split_draws`), in the same draws
const ENDS = [0.1, 0.5, 0.9]
const SETS_AT_ONCE = 8 // the next fan waits for no more than these
const OFFERS_AT_ONCE = 6

/** Each policy's part in what the plan does (Shapley), and what it costs. */
export async function weighPolicies(page, view) {
  const plan = view.plans[view.active]
  const key = page.header.roles.people
  const on = page.header.policies.filter((policy) => page.plans.isOn(plan, policy))
  if (!on.length || !key) {
    page.shares.value = { plan, parts: [] }
    return
  }
  const draws = spread(page, key, Math.max(FEWEST, SPLIT_RUNS >> on.length))
  const { sets, shares, exact } = coalitions(on.length)
  const row = page.model.rows.get(key)
  const values = new Float64Array(sets.length * draws.length)
  for (let from = 0; from < sets.length; from += SETS_AT_ONCE) {
    if (view !== page.view.peek()) return // a slider moved: its fan comes first
    const some = sets.slice(from, from + SETS_AT_ONCE)
    const also = Object.fromEntries(
      on.map(({ settings: { switch: { slot } } }, i) => [slot, some.flatMap((set) => draws.map(() => (set[i] ? plan.values[slot] : 0)))]),
    )
    values.set(await page.pool.fan(plan, some.flatMap(() => draws), { rows: [row], save: page.header.save.slice(-1), also }), from * draws.length)
  }
  const found = on.map(() => []) // a draw's part, the mean of its orders
  const errors = on.map(() => [])
  draws.forEach((_, d) => {
    const own = shares(Float64Array.from(sets, (_, s) => values[s * draws.length + d]))
    on.forEach((_, i) => {
      const orders = own.map((share) => share[i])
      found[i].push(mean(orders))
      errors[i].push(standardError(orders))
    })
  })
  if (view !== page.view.peek()) return
  const own = page.fans.peek().plan
  page.shares.value = {
    plan, exact, draws: draws.length,
    parts: on.map((policy, i) => ({
      policy, value: median(found[i]), error: exact ? 0 : median(errors[i]), cost: quantiles(page.yearlyOf(own, [policy]), ENDS),
      ...perUnit(draws.map((draw) => page.present(own, [policy], draw)), found[i]),
    })),
  }
}

/** What each policy that is not in the plan would add to it at its usual size, and cost: one at a time. */
export async function weighOffers(page, view) {
  const { roles, policies } = page.header
  const plan = view.plans[view.active]
  const off = policies.filter((policy) => !page.plans.isOn(plan, policy))
  if (!roles.people || !roles.spent || view !== page.view.peek()) return
  const draws = page.draws
  const rows = [roles.people, roles.paid_to_date].map((key) => page.model.rows.get(key))
  const [years, own] = [page.years.length, page.fans.peek().plan]
  const at = (key, year, draw) => own.get(key)[year * page.draws.length + draw]
  const parts = []
  for (let from = 0; from < off.length; from += OFFERS_AT_ONCE) {
    if (view !== page.view.peek()) return
    const some = off.slice(from, from + OFFERS_AT_ONCE)
    const also = Object.fromEntries(some.map(({ settings: { switch: { slot } } }, i) => [slot, some.flatMap((_, k) => draws.map(() => (i === k ? 1 : 0)))]))
    const values = await page.pool.fan(plan, some.flatMap(() => draws), { rows, also })
    some.forEach((policy, k) => {
      const found = (row, year, d) => values[((row * years + year) * some.length + k) * draws.length + d]
      const more = draws.map((draw) => page.years.map((_, y) => found(1, y, draw) - at(roles.paid_to_date, y, draw)))
      const all = draws.map((draw) => page.years.map((_, y) => found(1, y, draw)))
      const paying = page.years.map((_, y) => y).filter((y) => y > 0 && all.some((paid) => paid[y] > paid[y - 1]))
      const yearly = more.map((paid) => paying.reduce((sum, y) => sum + paid[y] - paid[y - 1], 0) / Math.max(1, paying.length))
      const added = draws.map((draw) => found(0, years - 1, draw) - at(roles.people, years - 1, draw))
      parts.push({
        policy, value: median(added), cost: quantiles(yearly, ENDS),
        ...perUnit(draws.map((draw) => page.presentOf(more[draw], own, draw)), added),
      })
    })
  }
  if (view === page.view.peek()) page.offers.value = { plan, parts }
}

/** What presets do in the plan's city, nation and reading: change and cost as the sentence tells them, `take`n one by one. */
export async function weighPresets(page, take) {
  const plan = page.plan.peek()
  const { roles, presets } = page.header
  const keys = [roles.people, roles.spent, roles.budget, roles.paid_to_date, roles.prices].filter((key) => page.model.rows.has(key))
  let found = []
  for (const { name } of presets) {
    const one = page.plans.from(plan, name)
    found = [...found, { plan: one, found: page.result(one, await page.fan(one, keys), await page.fan(page.plans.baseline(one), keys)) }]
    if (!take(found)) return
  }
}

/** What each assumption moves: the talent of the last year at both ends of its range. */
export function weighAssumptions(page) {
  const plan = page.plan.peek()
  const key = page.header.roles.people
  const row = page.model.rows.get(key)
  const last = page.header.save.slice(-1)
  const value = (one, end) => {
    const values = { ...plan.values }
    for (const [slot, own] of Object.entries(one.slots)) values[slot] = one.factor ? own * end : end
    return page.model.central({ ...plan, values }, last)[row]
  }
  const found = page.header.assumptions.map((one) => ({ one, low: value(one, one.low), high: value(one, one.high) }))
  found.sort((a, b) => Math.abs(b.high - b.low) - Math.abs(a.high - a.low))
  page.tornado.value = found
}

/** So many draws, at most all, spread evenly over the effect on an output. */
function spread(page, key, count) {
  const { plan, base } = page.fans.peek()
  const last = (page.years.length - 1) * page.draws.length
  return spreadEvenly(page.draws.map((draw) => plan.get(key)[last + draw] - base.get(key)[last + draw]), Math.min(count, page.draws.length))
}

/** Numbers of draws spread evenly over an effect, as Python's `spread_evenly`. */
function spreadEvenly(effects, count) {
  const ordered = effects.map((value, draw) => [draw, value]).sort((a, b) => a[1] - b[1])
  return Array.from({ length: count }, (_, i) => ordered[Math.floor(((i + 0.5) * ordered.length) / count)][0])
}
