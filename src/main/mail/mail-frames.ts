import type { ByteStream } from '../../net/byte-stream.ts'
import { WIRE_LIMITS } from './mail-wire.ts'

/** Frames of a delivery or of a task's input, until the other side closes. */
export async function* framesOf(stream: ByteStream): AsyncIterable<'begin' | 'finish' | Buffer> {
  for (;;) {
    const line = await stream.readLine(FRAME_LINE_BYTES)
    if (line === undefined) return
    if (line === 'B') yield 'begin'
    else if (line === 'F') yield 'finish'
    else {
      const size = Number(/^D (\d{1,9})$/.exec(line)?.[1] ?? Number.NaN)
      if (!(size <= WIRE_LIMITS.frameBytes)) throw new Error('a frame that is none')
      const bytes = await stream.readBytes(size)
      if (bytes === undefined) return
      yield bytes
    }
  }
}

const FRAME_LINE_BYTES = 32
