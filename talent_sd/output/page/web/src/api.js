// What the page offers to checks and to those who build on it: window.talentSD.

/**
 * await talentSD.run({city, scenario, policies, assumptions, shocks, national, draws})
 *
 * All but the city optional. Names as in scenario files: city "hefei", scenario "three_dimensional",
 * policies {cash_subsidy: {from: 2026}}, assumptions {"arrival elasticity": 0.8}. Without draws, one run with the
 * model's own constants, as `talent-sd run --central` writes to forecast.nc: every stock and auxiliary. With
 * draws (at most the page's own), the first so many of its draws, those of `--draws` and `--seed` as the page has them.
 *
 * Returns {time, outputs: {name: Float64Array}, shape: {name: [...]}, draws}: (draw, time, *subscripts) in C order.
 */
export function makeApi(page) {
  const { header, model, plans } = page
  const years = Float64Array.from(header.years)

  function planOf({ city, scenario = 'baseline', policies, assumptions, shocks, national }) {
    if (!(city in header.cities)) throw new RangeError(`no city '${city}' here. This page has ${Object.keys(header.cities).join(', ')}.`)
    return plans.merged(plans.preset(scenario, city), { policies, assumptions, shocks, national })
  }

  function arranged(values, saved, draws) {
    const outputs = {}
    const shape = {}
    const count = years.length
    for (const { name, rows, shape: own } of saved) {
      const array = new Float64Array(draws * count * rows.length)
      rows.forEach((row, e) => {
        for (let y = 0; y < count; y++)
          for (let d = 0; d < draws; d++) array[(d * count + y) * rows.length + e] = values[(row * count + y) * draws + d]
      })
      outputs[name] = array
      shape[name] = [draws, count, ...own]
    }
    return { time: years, outputs, shape, draws }
  }

  async function runPlan(plan, draws) {
    if (draws === undefined || draws === null) return arranged(model.whole(plan), header.saved.whole, 1)
    if (!Number.isInteger(draws) || draws < 1 || draws > header.draws) throw new RangeError(`draws: ${draws}. Give 1 to ${header.draws}, or none.`)
    const values = await page.pool.fan(plan, page.draws.slice(0, draws))
    return arranged(values, header.saved.fan, draws)
  }

  return Object.freeze({
    version: header.version,
    model: header.model.sha256,
    cities: Object.keys(header.cities),
    scenarios: header.presets.map((one) => one.name),
    draws: header.draws,
    run: async (asked) => runPlan(planOf(asked), asked.draws),
    runFile: async (text, { city, draws } = {}) => runPlan(plans.fromYaml(text, city ?? Object.keys(header.cities)[0]), draws),
    yaml: (asked) => plans.toYaml(planOf(asked), 'talent_sd'),
    timing: page.timing,
  })
}
