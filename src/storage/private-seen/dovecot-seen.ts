// The \Seen that a user had of his own with Dovecot: dovecot.index.pvt and its logs, which are read and never written.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type IndexLog, messageOf } from '../index/index-file.ts'
import { applyLog, BadIndex, parseIndex, parseLogHeader, type SeenState } from './dovecot-index.ts'

export interface DovecotSeen {
  readonly uidValidity: number
  /** UIDs of messages that were seen. */
  readonly seen: readonly number[]
}

export const DOVECOT_PRIVATE = 'dovecot.index.pvt'

export const DOVECOT_LIMITS = {
  /** A change of one flag takes 20 bytes, and Dovecot 2.3 never begins such a log anew. */
  fileBytes: 64 * 1024 * 1024,
} as const

/**
 * Reads what lies in a directory; `undefined`: nothing. What cannot be read is left out, with a line in the log; what came before
 * it holds. Nothing is known without the UIDVALIDITY.
 */
export function readDovecotSeen(directory: string, log: IndexLog, name = DOVECOT_PRIVATE): DovecotSeen | undefined {
  const path = `${directory}/${name}`
  const complain = (file: string, error: unknown): void =>
    log('warning', `INDEXPVT: cannot use all of ${file}: ${messageOf(error)}`)
  const index = openFile(path, (bytes) => parseIndex(bytes), complain)
  const logs = [`${path}.log.2`, `${path}.log`].flatMap((file) => {
    const bytes = openFile(file, (content) => content, complain)
    return bytes === undefined ? [] : { file, bytes }
  })
  if (index === undefined && logs.length === 0) return undefined
  const state: SeenState = index?.state ?? { uidValidity: 0, messages: new Map() }
  let known = index
  for (const { file, bytes } of logs) {
    try {
      const { indexId, sequence, offset } = parseLogHeader(bytes)
      // Of an index that is no more, or all of it is in the index.
      if (known !== undefined && (indexId !== known.indexId || sequence < known.logSequence)) continue
      applyLog(state, bytes, sequence === known?.logSequence ? Math.max(known.logOffset, offset) : offset)
      known = { state, indexId, logSequence: sequence, logOffset: bytes.length }
    } catch (error) {
      if (!(error instanceof BadIndex)) throw error
      complain(file, error)
    }
  }
  if (state.uidValidity === 0) return undefined
  const seen = [...state.messages].flatMap(([uid, isSeen]) => (isSeen ? [uid] : []))
  return { uidValidity: state.uidValidity, seen }
}

function openFile<T>(
  path: string,
  parse: (bytes: Buffer) => T,
  complain: (file: string, error: unknown) => void,
): T | undefined {
  try {
    return parse(readBounded(path))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ENOENT' && code !== 'ENOTDIR') complain(path, error)
    return undefined
  }
}

/** Once a mailbox and user: it is not worth the way to another thread. Throws. */
function readBounded(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) throw new BadIndex('it is not a file')
    if (stats.size > DOVECOT_LIMITS.fileBytes) throw new BadIndex(`it is larger than ${DOVECOT_LIMITS.fileBytes} bytes`)
    const bytes = Buffer.alloc(stats.size)
    let sizeBytes = 0
    for (let more = 1; more > 0 && sizeBytes < bytes.length; sizeBytes += more)
      more = readSync(fd, bytes, sizeBytes, bytes.length - sizeBytes, sizeBytes)
    return bytes.subarray(0, sizeBytes)
  } finally {
    closeSync(fd)
  }
}
