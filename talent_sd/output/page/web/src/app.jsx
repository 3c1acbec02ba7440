import { useEffect, useState } from 'preact/hooks'
import { Chart, COLOURS } from './chart.jsx'
import { Controls } from './controls.jsx'
import { Beside, goTo, Mini, Result } from './result.jsx'
import { MOST_PLANS, notice } from './state.js'
import { Why } from './why.jsx'
import { lang, named, planName, said, t } from './words.js'

export function App({ page }) {
  const city = page.city.value
  useEffect(() => {
    document.documentElement.lang = lang.value === 'zh' ? 'zh-Hans' : lang.value
    document.documentElement.dataset.lang = lang.value
    document.title = `${t('page_title')}: ${said(page.header.cities[city].title)}`
  }, [lang.value, city])
  useKeys(page)
  const [over, setOver] = useState(false)
  const drop = {
    onDragOver: (event) => (event.preventDefault(), setOver(true)),
    onDragLeave: () => setOver(false),
    onDrop: async (event) => {
      event.preventDefault()
      setOver(false)
      const [file] = event.dataTransfer.files
      if (file) page.open(await file.text())
    },
  }
  return (
    <div class={`page ${over ? 'over' : ''}`} {...drop}>
      <a class="skip" href="#plan" onClick={(event) => jump(event, 'plan')}>{t('skip_plan')}</a>
      <a class="skip" href="#result" onClick={(event) => jump(event, 'result')}>{t('skip')}</a>
      <Bar page={page} />
      <Notice />
      <main>
        <Result page={page} />
        <section class="charts" id="charts" aria-label={t('charts')}>
          <Choosing page={page} />
          <Beside page={page} />
          <div class="grid">{page.outputs.value.map((key) => <Chart key={key} page={page} outputKey={key} />)}</div>
          <p class="hint legend">{t('legend', { draws: page.header.draws, seed: page.header.seed, known: page.header.known_until })}</p>
        </section>
        <Controls page={page} />
      </main>
      <nav class="jump" aria-label={t('parts')}>
        <Mini page={page} />
        {[['result', 'result'], ['charts', 'charts'], ['plan', 'your_plan']].map(([id, word]) => <a key={id} href={`#${id}`} onClick={(event) => jump(event, id)}>{t(word)}</a>)}
      </nav>
      <Why page={page} />
    </div>
  )
}

function jump(event, id) {
  event.preventDefault()
  goTo(id)
}

function useKeys(page) {
  useEffect(() => {
    const heard = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z') return
      if (event.target.matches?.('input[type=text], input[type=search], input[type=number], textarea')) return
      event.preventDefault()
      event.shiftKey ? page.redo() : page.undo()
    }
    const again = () => page.restore(location.hash)
    addEventListener('keydown', heard)
    addEventListener('hashchange', again)
    return () => {
      removeEventListener('keydown', heard)
      removeEventListener('hashchange', again)
    }
  }, [page])
}

function Bar({ page }) {
  const { plans, active } = page.view.value
  const add = () => {
    // side by side, plans differ by less than a fan is wide: what they change is shown
    page.change({ plans: [...plans, { ...page.plan.peek(), title: null, preset: null }], active: plans.length, mode: 'difference' })
  }
  const remove = (gone) => page.change({ plans: plans.filter((_, i) => i !== gone), active: Math.max(0, active - (gone <= active ? 1 : 0)) })
  return (
    <header class="bar">
      <h1 class="brand">{t('page_title')}</h1>
      <div class="plans" role="group" aria-label={t('plans')}>
        {plans.map((plan, i) => (
          <span class={`plan ${i === active ? 'active' : ''}`} key={i}>
            <button type="button" aria-pressed={i === active} onClick={() => page.change({ active: i })}>
              <svg class="dot" viewBox="0 0 8 8" aria-hidden="true"><circle cx="4" cy="4" r="4" fill={COLOURS[i]} /></svg>
              {planName(plan, i, plans)}
            </button>
            {plans.length > 1 && <button type="button" class="close" aria-label={t('remove_plan', { name: planName(plan, i, plans) })} onClick={() => remove(i)}>×</button>}
          </span>
        ))}
        {plans.length < MOST_PLANS && <button type="button" onClick={add}>{t('add_plan')}</button>}
      </div>
      <div class="tools">
        <button type="button" disabled={!page.past.value.length} onClick={() => page.undo()}>{t('undo')}</button>
        <button type="button" disabled={!page.future.value.length} onClick={() => page.redo()}>{t('redo')}</button>
        <button type="button" onClick={() => page.setPlan(page.plans.preset(page.header.first.scenario, page.plan.peek().city))}>{t('reset')}</button>
        <button type="button" onClick={() => page.setPlan(page.plans.empty(page.plan.peek().city))}>{t('clear')}</button>
        <span class="languages" role="group" aria-label={t('language')}>
          {[['en', 'English'], ['zh', '中文']].map(([code, text]) => <button key={code} type="button" lang={code} aria-pressed={lang.value === code} onClick={() => (lang.value = code)}>{text}</button>)}
        </span>
      </div>
    </header>
  )
}

function Notice() {
  const told = notice.value
  return (
    <div role="alert" class="notice-holder">
      {told && (
        <div class={`notice ${told.kind}`}>
          <p>{told.word ? t(told.word, told.values) : told.text}</p>
          <button type="button" onClick={() => (notice.value = null)}>{t('close')}</button>
        </div>
      )}
    </div>
  )
}

/** Which outputs are shown, and whether as levels or as differences. */
function Choosing({ page }) {
  const shown = page.outputs.value
  const [open, setOpen] = useState(false)
  const toggle = (key) => page.change({ outputs: shown.includes(key) ? shown.filter((one) => one !== key) : [...shown, key] })
  const keys = (names) => [...new Set(names)].flatMap((name) => page.model.elements(name)).filter((key) => page.model.rows.has(key))
  const sectors = [{ title: { en: t('headline'), zh: t('headline') }, outputs: page.header.headline }, ...page.header.sectors]
  return (
    <div class="choosing">
      <fieldset class="modes">
        <legend class="hidden">{t('show_as')}</legend>
        {[['level', 'levels'], ['difference', 'difference']].map(([mode, word]) => (
          <label key={mode}><input type="radio" name="shown" checked={page.mode.value === mode} onChange={() => page.change({ mode })} />{t(word)}</label>
        ))}
      </fieldset>
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{t('choose_outputs', { count: shown.length })}</summary>
        {open && (
          <div class="sectors">
            {sectors.map((sector, i) => (
              <fieldset key={i}>
                <legend>{said(sector.title)}</legend>
                {keys(sector.outputs).map((key) => (
                  <label key={key}><input type="checkbox" checked={shown.includes(key)} onChange={() => toggle(key)} />{named(key)}</label>
                ))}
              </fieldset>
            ))}
          </div>
        )}
      </details>
    </div>
  )
}
