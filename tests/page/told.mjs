// node told.mjs SOURCES < what: numbers and years as the page's own functions tell them, as JSON
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const page = await import(pathToFileURL(`${process.argv[2]}/numbers.js`))
const { beaten, byDuels, perUnit } = await import(pathToFileURL(`${process.argv[2]}/stats.js`))
const { numbers, shares, times, costs, plans } = JSON.parse(readFileSync(0, 'utf8'))
console.log(JSON.stringify({
  digits: numbers.map((one) => page.digits(one)),
  digits_2: numbers.map((one) => page.digits(one, 2)),
  signed: numbers.map((one) => page.signed(one)),
  fixed: numbers.map((one) => [0, 1, 2].map((decimals) => page.fixed(one, decimals))),
  relative: numbers.map((one) => page.relative(one)),
  hundredth: shares.map((one) => page.hundredth(one)),
  beaten: plans.map((lists) => lists.map((one) => lists.map((other) => beaten(one, other)))),
  order: plans.map(byDuels),
  costs: costs.map(([yuan, added]) => perUnit(yuan, added)).map(({ each, falls }) => [each === Infinity ? null : each, falls]),
  years: times.map(([start, end, pause]) => ['en', 'zh'].map((lang) => page.yearSpans(page.yearsInForce(start, end, ...pause), lang))),
}))
