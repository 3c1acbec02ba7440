// A worker: the same model, run for many draws beside the page.
import { Content } from './pack.js'
import { Model } from './model.js'

let model // a promise: tasks that come early wait for it
self.onmessage = async ({ data }) => {
  if (data.content) {
    model = Model.load(new Content(data.content), ['fan'])
    await model
    return self.postMessage({ ready: true })
  }
  const values = (await model).fan(data.plan, data.draws, data.options)
  self.postMessage({ id: data.id, values }, [values.buffer])
}
