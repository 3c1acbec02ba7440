import { render } from 'preact'
import { makeApi } from './api.js'
import { App } from './app.jsx'
import { Model } from './model.js'
import { unpack } from './pack.js'
import { Page } from './state.js'
import { lang, speak } from './words.js'
import './page.css'

// the file as it was opened: a copy of it can carry a plan
const source = `<!DOCTYPE html>\n${document.documentElement.outerHTML}`

async function start() {
  const content = await unpack(document.getElementById('content').textContent)
  speak(content.header)
  lang.value = content.header.first.lang
  const page = new Page(content, await Model.load(content))
  page.source = source
  page.start()
  window.talentSD = makeApi(page)
  render(<App page={page} />, document.getElementById('app'))
  await page.pool.ready()
  performance.mark('talentSD ready')
  document.documentElement.dataset.ready = 'true'
}

start().catch((error) => {
  const told = document.createElement('p')
  told.setAttribute('role', 'alert')
  told.textContent = `This page needs a browser of 2023 or later with WebAssembly. 此页面需要2023年以后、支持WebAssembly的浏览器。(${error.message})`
  document.getElementById('app').replaceChildren(told)
})
