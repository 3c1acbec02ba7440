// What is weighed when the sliders rest: policies of the plan, policies that it could have, presets, assumptions.
import { coalitions, mean, standardError } from './stats.js'

const SHAPLEY_DRAWS = 16
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
  const draws = spread(page, key)
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
  const found = on.map(() => [])
  draws.forEach((_, d) => {
    const own = shares(Float64Array.from(sets, (_, s) => values[s * draws.length + d]))
    own.forEach((share) => share.forEach((value, i) => found[i].push(value)))
  })
  if (view !== page.view.peek()) return
  const own = page.fans.peek().plan
  const { years } = page.found.peek()
  const whole = (policy) => paid(page, own.get(page.spendingKey(policy)), draws)
  page.shares.value = {
    plan, exact, draws: draws.length, years,
    parts: on.map((policy, i) => ({ policy, value: mean(found[i]), error: exact ? 0 : standardError(found[i]), whole: whole(policy) })),
  }
}

/** What each policy that is not in the plan would add to it at its usual size, and cost: one at a time. */
export async function weighOffers(page, view) {
  const { roles, policies } = page.header
  const plan = view.plans[view.active]
  const off = policies.filter((policy) => !page.plans.isOn(plan, policy))
  if (!roles.people || !roles.spent || view !== page.view.peek()) return
  const draws = spread(page, roles.people)
  const rows = [roles.people, roles.spent].map((key) => page.model.rows.get(key))
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
      const spent = page.years.map((_, y) => mean(draws.map((draw, d) => found(1, y, d) - at(roles.spent, y, draw))))
      const paying = spent.filter((value, y) => value > 0 || draws.some((draw) => at(roles.spent, y, draw) > 0)).length
      parts.push({
        policy, value: mean(draws.map((draw, d) => found(0, years - 1, d) - at(roles.people, years - 1, draw))),
        whole: spent.reduce((sum, value) => sum + value, 0), years: Math.max(1, paying),
      })
    })
  }
  if (view === page.view.peek()) page.offers.value = { plan, parts }
}

/** What presets do in the plan's city, nation and reading: change and cost as the sentence tells them, `take`n one by one. */
export async function weighPresets(page, take) {
  const plan = page.plan.peek()
  const { roles, presets } = page.header
  const keys = [roles.people, roles.spent, roles.budget].filter((key) => page.model.rows.has(key))
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

/** Draws spread evenly over the effect on an output. */
function spread(page, key) {
  const { plan, base } = page.fans.peek()
  const last = (page.years.length - 1) * page.draws.length
  const effects = page.draws.map((draw) => [draw, plan.get(key)[last + draw] - base.get(key)[last + draw]])
  effects.sort((a, b) => a[1] - b[1])
  return Array.from({ length: SHAPLEY_DRAWS }, (_, i) => effects[Math.floor(((i + 0.5) * effects.length) / SHAPLEY_DRAWS)][0])
}

/** Yuan over all years, the mean of some draws of (years x draws). */
function paid(page, values, draws) {
  if (!values) return NaN
  return page.years.reduce((sum, _, y) => sum + mean(draws.map((draw) => values[y * page.draws.length + draw])), 0)
}
