// node parts.mjs SOURCES PAGE: the page's parts without a browser; prints what was found as JSON
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [sources, file] = process.argv.slice(2)
const load = (name) => import(pathToFileURL(`${sources}/${name}`))
const { unpack } = await load('pack.js')
const { Model } = await load('model.js')
const { Drivers } = await load('drivers.js')
const { coalitions, quantiles } = await load('stats.js')

const content = await unpack(/id="content">([^<]*)</.exec(readFileSync(file, 'utf8'))[1])
const { header } = content
const model = await Model.load(content)
const preset = header.presets.find((one) => one.name === 'three_dimensional')
const plan = { city: 'hefei', national: preset.national, values: preset.values }
const base = { ...plan, values: {} }

// every equation, from the values that one run gave: the same values
const drivers = new Drivers(model)
const vectors = drivers.vectors(plan)
let equal = 0
const differ = []
header.years.forEach((year, i) => {
  const values = drivers.evaluate(plan, [vectors[i]], year)
  header.slots.kinds.forEach((kind, slot) => {
    if (kind !== 'auxiliary') return
    if (Object.is(values(slot, 0), vectors[i][slot]) || values(slot, 0) === vectors[i][slot]) equal++
    else differ.push(header.slots.names[slot])
  })
})

// causes of the whole talent add up: it is a sum
const talent = drivers.of(model.places.get('total talent'), plan, vectors, drivers.vectors(base), header.years.length - 1)
const sum = talent.causes.reduce((total, { effect }) => total + effect, 0)
// along causes that move, link by link: down to what the plan sets
const seen = new Set([model.places.get('total talent')])
const before = drivers.vectors(base)
for (const slot of seen)
  for (const { slot: cause, effect } of drivers.of(slot, plan, vectors, before, 6).causes) if (effect !== 0) seen.add(cause)
const ends = [...seen].filter((slot) => header.slots.kinds[slot] === 'constant')
const set = ends.filter((slot) => slot in plan.values).map((slot) => header.slots.names[slot])

// a product's change is shared by all of its factors
const { settings } = header.policies.find((one) => one.name === 'manufacturing_academy')
const academy = { [settings.switch.slot]: 1, [settings.intensity.slot]: 3 * settings.intensity.default }
const trained = drivers.vectors({ ...plan, values: academy })
const product = drivers.of(model.places.get('academy enrolment'), plan, trained, before, header.years.length - 1)

// a game whose shares are known: a's worth, b's, c's, and 6 for a and b together
const worth = (set) => 1 * set[0] + 2 * set[1] + 4 * set[2] + 6 * (set[0] && set[1])
const small = coalitions(3)
const [shares] = small.shares(small.sets.map(worth))
const many = coalitions(10)
const walks = many.shares(many.sets.map((set) => worth(set) + set[9] * 0.5))
const means = Array.from({ length: 10 }, (_, i) => walks.reduce((total, walk) => total + walk[i], 0) / walks.length)

console.log(JSON.stringify({
  equal, differ: differ.slice(0, 5), changed: talent.changed, sum, rest: talent.rest, product, reached: seen.size, set, shares, means,
  sizes: { exact: small.sets.length, sampled: many.sets.length },
  quantiles: quantiles([5, 1, 4, 2, 3, 9], [0.1, 0.5, 0.975]),
}))
