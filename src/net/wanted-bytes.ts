import { LineTooLong } from './byte-stream.ts'
import { TOO_LONG, type UnreadBytes } from './unread-bytes.ts'

/** What a reader waits for: a line of at most `size` bytes, exactly `size` bytes, or 1 to `size`. */
export type Wanted = { readonly kind: 'line' | 'bytes' | 'some'; readonly size: number }

/** A line as latin1, or bytes. */
export type TakenBytes = string | Buffer

/** It has not arrived yet. */
export const NOT_YET = Symbol('not yet')

/** Takes it from what arrived. A line that is too long stays there. */
export function takeWanted(unread: UnreadBytes, { kind, size }: Wanted): TakenBytes | LineTooLong | typeof NOT_YET {
  switch (kind) {
    case 'line': {
      const line = unread.takeLine(size)
      if (line === TOO_LONG) return new LineTooLong(`line longer than ${size} bytes`)
      return line ?? NOT_YET
    }
    case 'bytes':
      return unread.size < size ? NOT_YET : unread.take(size)
    case 'some':
      return unread.size === 0 ? NOT_YET : unread.take(Math.min(size, unread.size))
  }
}
