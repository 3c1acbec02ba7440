// Files to keep: a link that is clicked and gone.
export function download(name, content, type = 'application/octet-stream') {
  const blob = content instanceof Blob ? content : new Blob([content], { type: `${type};charset=utf-8` })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name.replace(/[\\/:*?"<>|]+/g, ' ').trim()
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10000)
  return link.download
}

/** The page as it was opened, with plans inside: opened again, it shows them. */
export function pageWith(source, fragment) {
  const bare = source.replace(/<script type="text\/plain" id="plan">[^<]*<\/script>\n?/, '')
  return bare.replace('<script type="text/plain" id="content">', `<script type="text/plain" id="plan">${fragment}</script>\n<script type="text/plain" id="content">`)
}
