import type { Readable } from 'node:stream'
import { createInterface } from 'node:readline'

/** Returns a function that gives the next line of the stream, or throws when none comes in time. */
export function lineReader(stream: Readable): (timeoutMs: number) => Promise<string> {
  const lines = createInterface(stream)[Symbol.asyncIterator]()
  return async (timeoutMs) => {
    const timeout = Promise.withResolvers<never>()
    const timer = setTimeout(() => timeout.reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    try {
      const next = await Promise.race([lines.next(), timeout.promise])
      if (next.done === true) throw new Error('it ended without an answer')
      return next.value
    } finally {
      clearTimeout(timer)
    }
  }
}
