// How far an output has been tested: its back-test, or that there is none.
import { fixed, relative, t } from './words.js'

export function Trust({ page, outputKey }) {
  const name = outputKey.split('[')[0]
  const test = outputKey.includes('[') ? null : page.header.tested[name]
  const city = page.city.value
  const own = page.header.city_records[city]?.[name]
  if (!test) return <span class="trust none" title={t('untested_note')}>{t('untested')}</span>
  const values = {
    first: test.years[0], last: test.years[1], error: fixed(100 * test.error), best: fixed(100 * test.best),
    cities: test.cities, coverage: fixed(100 * test.coverage),
  }
  const text = t(`tested_${test.verdict}`, values)
  const note = own === undefined ? '' : ' ' + t('tested_city', { share: relative(Math.expm1(own)) })
  return <span class={`trust ${test.verdict}`} title={t('tested_note', values) + note}>{text}</span>
}
