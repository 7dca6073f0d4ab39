import type { OnReadOpts } from 'node:net'
import type { OnreadHook, OnreadReader } from './byte-stream.ts'

/**
 * One buffer that every `onread` socket of the process reads into. Node reads and calls back before it turns to another
 * socket, so it is free again when the reader returns, provided the reader copied what it keeps.
 */
export const SHARED_READ_BYTES = 64 * 1024
const shared = Buffer.allocUnsafeSlow(SHARED_READ_BYTES)

export function sharedReadBuffer(): Buffer {
  return shared
}

/** Takes what comes and forgets it. */
export const DISCARD: OnreadReader = { take: () => true, nextBuffer: sharedReadBuffer }

/** The `onread` option of net.connect and tls.connect, and the hook that changes who reads. */
export function createOnread(): { hook: OnreadHook; option: OnReadOpts } {
  const hook: OnreadHook = { reader: DISCARD }
  return {
    hook,
    option: {
      buffer: () => hook.reader.nextBuffer(),
      callback: (count, buffer) => hook.reader.take(buffer as Buffer, count),
    },
  }
}
