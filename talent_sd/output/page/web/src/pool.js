// Workers: a task is cut among them; of tasks of one kind only the newest waits.
import workerText from 'worker-text'

export class Pool {
  constructor(content, count) {
    const url = URL.createObjectURL(new Blob([workerText], { type: 'text/javascript' }))
    this.workers = Array.from({ length: count }, () => {
      const worker = new Worker(url)
      const own = { worker, waiting: new Map(), ready: null }
      own.ready = new Promise((resolve, reject) => {
        worker.onerror = (event) => reject(new Error(event.message))
        worker.onmessage = ({ data }) => {
          if (data.ready) return resolve()
          own.waiting.get(data.id)(data.values)
          own.waiting.delete(data.id)
        }
      })
      worker.postMessage({ content: content.buffer })
      return own
    })
    this.last = 0
    this.running = new Map() // kind -> {busy, next}
  }

  ready() {
    return Promise.all(this.workers.map((one) => one.ready))
  }

  #send(worker, message) {
    const id = ++this.last
    return new Promise((resolve) => {
      worker.waiting.set(id, resolve)
      worker.worker.postMessage({ ...message, id })
    })
  }

  /** Run draws of a plan over all workers: rows x saved x draws. */
  async fan(plan, draws, options = {}) {
    const count = Math.min(this.workers.length, Math.max(1, draws.length))
    const edges = Array.from({ length: count + 1 }, (_, i) => Math.floor((draws.length * i) / count))
    const parts = await Promise.all(
      this.workers.slice(0, count).map((worker, i) => {
        const own = draws.slice(edges[i], edges[i + 1])
        const also = options.also && Object.fromEntries(Object.entries(options.also).map(([s, v]) => [s, v.slice(edges[i], edges[i + 1])]))
        return this.#send(worker, { plan: { city: plan.city, national: plan.national, values: plan.values }, draws: own, options: { ...options, also } })
      }),
    )
    const series = parts[0].length / (edges[1] - edges[0])
    const values = new Float64Array(series * draws.length)
    parts.forEach((part, i) => {
      const size = edges[i + 1] - edges[i]
      for (let row = 0; row < series; row++) values.set(part.subarray(row * size, (row + 1) * size), row * draws.length + edges[i])
    })
    return values
  }

  /** Do the newest task of a kind: what is asked meanwhile waits, and only the last of it is done. */
  async newest(kind, task) {
    const state = this.running.get(kind) ?? { busy: false, next: null }
    this.running.set(kind, state)
    state.next = task
    if (state.busy) return
    state.busy = true
    while (state.next) {
      const now = state.next
      state.next = null
      await now()
    }
    state.busy = false
  }
}
