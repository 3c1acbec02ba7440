// What Python packed (talent_sd/output/page/pack.py): a header and arrays, in one compressed text.

export async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Content(await new Response(stream).arrayBuffer())
}

export class Content {
  constructor(buffer) {
    this.buffer = buffer
    const length = new DataView(buffer).getUint32(0, true)
    this.header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)))
    this.start = 4 + length
    this.known = new Map()
  }

  bytes(place) {
    return new Uint8Array(this.buffer, this.start + place.at, place.bytes)
  }

  /** Numbers; their bytes were sorted by place, so that they pack smaller. */
  doubles(place) {
    if (!this.known.has(place.at)) {
      const count = place.doubles
      const sorted = new Uint8Array(this.buffer, this.start + place.at, 8 * count)
      const plain = new Uint8Array(8 * count)
      for (let byte = 0; byte < 8; byte++) for (let i = 0; i < count; i++) plain[8 * i + byte] = sorted[byte * count + i]
      this.known.set(place.at, new Float64Array(plain.buffer))
    }
    return this.known.get(place.at)
  }
}
