// A chart of one output: history, fans of baseline and plan (or their difference), and its table.
import { useSignalEffect } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { download } from './files.js'
import { why } from './state.js'
import { LEVELS } from './stats.js'
import { Trust } from './trust.jsx'
import { digits, lang, named, planName, scale, span, t } from './words.js'

export const COLOURS = ['#004488', '#bb5566', '#c28f1b', '#3a8f7b']
const GREY = '#767676'
const FIRST_SHOWN = 2010
const alpha = (colour, share) => colour + Math.round(255 * share).toString(16).padStart(2, '0')

/** What a chart draws: lines with levels x years, in the model's unit; the first is the baseline where there is one. */
function linesOf(page, key, fans, difference) {
  const { plans, active } = fans.view
  const one = (values, base, title, colour, full, own = false) => {
    const found = values?.get(key)
    if (!found) return null
    const taken = difference ? found.map((value, i) => value - base.get(key)[i]) : found
    const most = difference ? undefined : page.header.variables[key.split('[')[0]].most
    return { title, colour, full, own, most, bands: page.bandsFor(taken) }
  }
  const many = plans.length > 1 && fans.others.length === plans.length
  const base = difference ? null : one(fans.base, null, t('no_policy'), GREY, !many)
  const titled = (plan, i) => planName(plan, i, plans)
  const own = many
    ? plans.map((plan, i) => one(fans.others[i], fans.othersBase[i], titled(plan, i), COLOURS[i], false, i === active))
    : [one(fans.plan, fans.base, titled(plans[active], active), COLOURS[active], true, true)]
  return [base, ...own].filter(Boolean)
}

/** The plan's line in the model's unit: the last fan's median, moved by what the central run has moved since. */
function lineNow(page, key, line, difference) {
  const { view, central, centralBase } = page.fans.peek()
  if (view.plans[view.active].city !== page.city.peek() || view.active !== page.view.peek().active) return line.bands[3]
  const gain = (now, then, year) => page.row(now, key)[year] - page.row(then, key)[year]
  const [now, base] = [page.central.peek(), page.centralBase.peek()]
  return line.bands[3].map((value, year) => value + gain(now, central, year) - (difference ? gain(base, centralBase, year) : 0))
}

export function Chart({ page, outputKey }) {
  const holder = useRef(null)
  const chart = useRef(null)
  const [point, setPoint] = useState(null)
  const [open, setOpen] = useState(false)
  const [shown, setShown] = useState({ lines: [], by: { factor: 1, unit: '' } })
  const unit = page.header.variables[outputKey.split('[')[0]].unit

  // the whole chart when a fan arrives
  useSignalEffect(() => {
    const fans = page.fans.value
    const difference = page.mode.value === 'difference'
    lang.value
    if (!fans.plan || !fans.plan.has(outputKey)) return
    const lines = linesOf(page, outputKey, fans, difference)
    const largest = Math.max(...lines.flatMap(({ bands, most = Infinity }) => bands.flatMap((level) => Array.from(level, (value) => Math.min(Math.abs(value), most)))))
    const by = scale(largest, unit)
    setShown({ lines, by, difference })
    const history = difference ? [] : page.header.cities[fans.view.plans[fans.view.active].city].history[outputKey] ?? []
    chart.current = draw(chart.current, holder.current, page, lines, history, by, difference, setPoint)
    const own = lines.find((line) => line.own)
    chart.current.now = () => lineNow(page, outputKey, own, difference).map((value) => Math.min(value, own.most ?? Infinity))
  })

  // between two fans the line moves with the central run, at once
  useSignalEffect(() => {
    page.central.value
    page.centralBase.value
    if (chart.current?.now) drawLine(chart.current)
  })

  useEffect(() => () => chart.current?.destroy(), [])

  const title = named(outputKey)
  const { lines, by, difference } = shown
  const told = lines.length ? by.unit || t('no_unit') : '' // not known before the first run
  const capped = lines.find(({ bands, most }) => most && bands.some((level) => level.some((value) => value > most)))
  return (
    <section class="chart" aria-label={title}>
      <header>
        <h3>{title}</h3>
        <p class="unit">
          {difference ? t('difference_unit', { unit: told }) : capped ? t('drawn_up_to', { unit: told, over: t('over_most', { most: capped.most }) }) : told} <Trust page={page} outputKey={outputKey} />
        </p>
      </header>
      <div class="plot" ref={holder} role="img" aria-label={summary(page, title, lines, by)} />
      <ul class="key">
        <li class="at" aria-hidden="true">{page.years[point ?? page.years.length - 1]}</li>
        {lines.map((line) => (
          <li key={line.title}>
            <svg class="swatch" viewBox="0 0 24 8" aria-hidden="true"><rect width="24" height="8" fill={alpha(line.colour, 0.25)} /><rect y="3" width="24" height="2" fill={line.colour} /></svg>
            {line.title}
            <span class="value" aria-hidden="true">{value(line, point ?? page.years.length - 1, by)}</span>
          </li>
        ))}
      </ul>
      <div class="tools">
        <button type="button" onClick={() => (why.value = outputKey)} aria-label={t('why_of', { name: title })}>{t('why')}</button>
        <button type="button" onClick={() => savePicture(chart.current, title, lines, by)} aria-label={t('picture_of', { name: title })}>PNG</button>
        <button type="button" onClick={() => download(`${title}.csv`, '\ufeff' + csv(page, title, unit, lines), 'text/csv')} aria-label={t('table_file_of', { name: title })}>CSV</button>
        <details class="table" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{t('table')}<span class="hidden">: {title}</span></summary>
          {open && <Table page={page} title={title} lines={lines} by={by} />}
        </details>
      </div>
    </section>
  )
}

const at = (line, year) => ({ middle: line.bands[3][year], low: line.bands[1][year], high: line.bands[5][year] })

function value(line, year, by) {
  const { middle, low, high } = at(line, year)
  return `${level(middle, line, by)} (${ends(low, high, line, by)})`
}

/** A level; what lies beyond the most that is told is only "over" it. */
const level = (value, { most }, by, beside = 0) => (value > most ? t('over_most', { most }) : digits(value / by.factor, 3, beside / by.factor))

function ends(low, high, line, by) {
  if (!(high > line.most)) return span(low / by.factor, high / by.factor, '')
  return low > line.most ? level(low, line, by) : t('low_to_high', { low: level(low, line, by, line.most), high: level(high, line, by) })
}

function summary(page, title, lines, by) {
  if (!lines.length) return title
  return `${title}, ${by.unit || t('no_unit')}. ${page.years.at(-1)}: ${lines.map((line) => `${line.title} ${value(line, page.years.length - 1, by)}`).join('; ')}`
}

function Table({ page, title, lines, by }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`${t('table')}: ${title}`}>
      <table>
        <caption>{title}{by.unit ? `, ${by.unit}` : ''}. {t('table_note')}</caption>
        <thead>
          <tr><th scope="col">{t('year')}</th>{lines.map((line) => <th scope="col" key={line.title}>{line.title}</th>)}</tr>
        </thead>
        <tbody>
          {page.years.map((year, i) => (
            <tr key={year}>
              <th scope="row">{year}</th>
              {lines.map((line) => {
                const { middle, low, high } = at(line, i)
                return <td key={line.title}>{level(middle, line, by)}<small> {ends(low, high, line, by)}</small></td>
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function csv(page, title, unit, lines) {
  const rows = [['line', 'year', 'variable', 'unit', ...LEVELS.map((level) => `q${level}`)]]
  for (const line of lines)
    page.years.forEach((year, i) => rows.push([line.title, year, title, unit, ...line.bands.map((level) => level[i])]))
  return rows.map((row) => row.map((cell) => (/[",\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : cell)).join(',')).join('\r\n') + '\r\n'
}

/** Draw anew, or only the numbers where the lines are the same ones. */
function draw(old, holder, page, lines, history, by, difference, setPoint) {
  const past = history.filter(([year]) => year >= FIRST_SHOWN)
  const x = [...new Set([...past.map(([year]) => year), ...page.years])].sort((a, b) => a - b)
  const place = new Map(page.years.map((year, i) => [year, i]))
  const over = (values, { most = Infinity }) => x.map((year) => (place.has(year) ? Math.min(values[place.get(year)], most) / by.factor : null))
  const data = [x]
  const series = [{}]
  const fills = []
  for (const line of lines) {
    for (const [low, high, share] of line.full ? [[0, 6, 0.1], [1, 5, 0.16], [2, 4, 0.26]] : [[1, 5, 0.12]]) {
      data.push(over(line.bands[low], line), over(line.bands[high], line))
      series.push({ stroke: 'transparent', points: { show: false } }, { stroke: 'transparent', points: { show: false } })
      fills.push({ series: [data.length - 1, data.length - 2], fill: alpha(line.colour, share) })
    }
    if (line.own) continue // `drawLine` does it
    data.push(over(line.bands[3], line))
    series.push({ stroke: line.colour, width: 2, points: { show: false } })
  }
  if (past.length) {
    const known = new Map(past)
    data.push(x.map((year) => (known.has(year) ? known.get(year) / by.factor : null)))
    series.push({ stroke: 'transparent', points: { show: true, size: 5, stroke: '#1a1a1a', fill: '#1a1a1a' } })
  }
  const mark = [lines.map((line) => [line.colour, line.full, line.own]), past.length > 0, difference].toString()
  const keep = old && old.mark === mark && old.root.isConnected
  const u = keep ? old : new uPlot(options(page, holder, series, fills, difference, setPoint), data, holder)
  if (keep) u.setData(data)
  else old?.destroy()
  if (!keep) {
    const observer = new ResizeObserver(() => u.setSize({ width: Math.max(200, holder.clientWidth), height: height(holder) }))
    observer.observe(holder)
    // a canvas does not shrink with the paper: two charts stand side by side on A4, each on one canvas, for a new
    // one is opaque there
    const onPaper = () => Object.assign(u, { onPaper: true }).setSize({ width: 330, height: 180 })
    const onScreen = () => Object.assign(u, { onPaper: false }).setSize({ width: Math.max(200, holder.clientWidth), height: height(holder) })
    addEventListener('beforeprint', onPaper)
    addEventListener('afterprint', onScreen)
    const destroy = u.destroy.bind(u)
    u.destroy = () => {
      observer.disconnect()
      removeEventListener('beforeprint', onPaper)
      removeEventListener('afterprint', onScreen)
      destroy()
    }
  }
  return Object.assign(u, { mark, by, colour: lines.find(({ own }) => own).colour, years: page.years })
}

/** The plan's own line lies on a canvas above the fans: while a slider moves, it alone is drawn anew. */
function drawLine(u) {
  if (u.onPaper) return strokeLine(u, u.ctx)
  const { canvas } = u.ctx
  u.line ??= u.ctx.canvas.parentNode.appendChild(Object.assign(document.createElement('canvas'), { className: 'line' }))
  const { line } = u
  if (line.width !== canvas.width || line.height !== canvas.height) Object.assign(line, { width: canvas.width, height: canvas.height })
  line.getContext('2d').clearRect(0, 0, line.width, line.height)
  strokeLine(u, line.getContext('2d'))
}

function strokeLine(u, ctx) {
  const { left, top, width, height } = u.bbox
  ctx.save()
  ctx.beginPath()
  ctx.rect(left, top, width, height)
  ctx.clip()
  ctx.beginPath()
  u.now().forEach((value, i) => ctx.lineTo(u.valToPos(u.years[i], 'x', true), u.valToPos(value / u.by.factor, 'y', true)))
  Object.assign(ctx, { strokeStyle: u.colour, lineWidth: (2 * ctx.canvas.width) / u.width, lineJoin: 'round' })
  ctx.stroke()
  ctx.restore()
}

const height = (holder) => Math.round(Math.min(260, Math.max(180, holder.clientWidth * 0.52)))

function options(page, holder, series, bands, difference, setPoint) {
  const font = '12px system-ui, "Helvetica Neue", Arial, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
  const axis = { stroke: '#595959', font, ticks: { stroke: '#d9d9d9', size: 4 }, grid: { stroke: '#e6e6e6', width: 1 } }
  return {
    width: Math.max(200, holder.clientWidth), height: height(holder), series, bands,
    legend: { show: false }, cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: { x: { time: false, range: (_, min, max) => [min - 0.3, max + 0.3] }, y: { range: (_, min, max) => room(min, max, difference) } },
    axes: [
      { ...axis, grid: { show: false }, values: (_, years) => years.map((year) => (Number.isInteger(year) ? String(year) : '')), space: 44, size: 30 },
      { ...axis, size: (u, values) => 14 + 7 * Math.max(1, ...(values ?? []).map((value) => value.length)), values: (_, ticks) => ticks.map(tick), ticks: { show: false }, space: 36 },
    ],
    hooks: {
      drawClear: [(u) => shade(u, page.header.known_until)],
      draw: [(u) => u.now && drawLine(u)],
      setCursor: [(u) => {
        const year = u.cursor.idx === null || u.cursor.idx === undefined ? null : u.data[0][u.cursor.idx]
        const at = page.years.indexOf(year)
        setPoint(at < 0 ? null : at)
      }],
    },
  }
}

function room(min, max, difference) {
  if (!Number.isFinite(min) || !Number.isFinite(max)) return [0, 1]
  if (difference) [min, max] = [Math.min(min, 0), Math.max(max, 0)]
  const pad = (max - min || Math.abs(max) || 1) * 0.06
  return [min >= 0 && min - pad < 0 ? 0 : min - pad, max + pad]
}

/** Years whose national figures are known lie on a quiet ground. */
function shade(u, until) {
  const right = Math.min(u.valToPos(until, 'x', true), u.bbox.left + u.bbox.width)
  u.ctx.save()
  u.ctx.fillStyle = '#f4f5f7'
  if (right > u.bbox.left) u.ctx.fillRect(u.bbox.left, u.bbox.top, right - u.bbox.left, u.bbox.height)
  u.ctx.restore()
}

const tick = (value) => (Math.abs(value) >= 1e4 ? value.toLocaleString('en-US') : String(Number(value.toPrecision(6)))).replace('-', '−')

/** The chart with its title and key, as a PNG. */
function savePicture(u, title, lines, by) {
  const from = u.ctx.canvas
  const ratio = from.width / u.width
  const canvas = document.createElement('canvas')
  const head = 44 * ratio
  canvas.width = from.width
  canvas.height = from.height + head + 24 * ratio * lines.length
  const ctx = canvas.getContext('2d')
  ctx.fillStyle = '#fff'
  ctx.fillRect(0, 0, canvas.width, canvas.height)
  ctx.fillStyle = '#1a1a1a'
  ctx.font = `600 ${15 * ratio}px system-ui, sans-serif`
  ctx.fillText(title, 10 * ratio, 18 * ratio)
  ctx.font = `${12 * ratio}px system-ui, sans-serif`
  ctx.fillText(by.unit, 10 * ratio, 36 * ratio)
  ctx.drawImage(from, 0, head)
  ctx.drawImage(u.line, 0, head)
  lines.forEach((line, i) => {
    const y = from.height + head + (14 + 24 * i) * ratio
    ctx.fillStyle = line.colour
    ctx.fillRect(10 * ratio, y - 6 * ratio, 20 * ratio, 3 * ratio)
    ctx.fillStyle = '#1a1a1a'
    ctx.fillText(line.title, 38 * ratio, y)
  })
  canvas.toBlob((blob) => download(`${title}.png`, blob))
}
