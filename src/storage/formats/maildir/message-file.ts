import { closeSync, constants, fstatSync, openSync, read as readAsync, readSync } from 'node:fs'
import { READ_CHUNK_BYTES, type StoredMessage } from '../../store.ts'
import type { Scratch } from '../../scratch.ts'
import { sizeInName } from './file-name.ts'

/** Messages up to this size are read at once when they are opened: three system calls, no waiting for a thread. */
export const SMALL_MESSAGE_BYTES = 128 * 1024
/** A number, not 'r': it need not be looked up for each message. */
const READ_ONLY = constants.O_RDONLY
/** What is allocated for a file whose name does not tell its size. */
const GUESS_BYTES = 16 * 1024

/**
 * Opens a message file; a small one is read into the scratch, when there is one. Throws what `node:fs` throws: ENOENT when it is
 * not there.
 */
export function openMessageFile(path: string | Buffer, name: string, scratch?: Scratch): StoredMessage {
  const expected = sizeInName(name, 'S')
  const fd = openSync(path, READ_ONLY)
  let keep = false
  try {
    const small =
      expected === undefined || expected <= SMALL_MESSAGE_BYTES ? readSmall(fd, expected, scratch) : undefined
    if (small !== undefined) return inMemory(small)
    keep = true
    return onDisk(fd, fstatSync(fd).size)
  } finally {
    if (!keep) closeSync(fd)
  }
}

/** The whole file, when it is as small as it seemed: reading one byte more than expected proves its end. */
function readSmall(fd: number, expected: number | undefined, scratch: Scratch | undefined): Buffer | undefined {
  const wanted = (expected ?? GUESS_BYTES) + 1
  const bytes = scratch?.take(wanted) ?? Buffer.allocUnsafe(wanted)
  const count = readSync(fd, bytes, 0, bytes.length, 0)
  if (count < bytes.length) return bytes.subarray(0, count)
  const { size } = fstatSync(fd)
  if (size > SMALL_MESSAGE_BYTES) return undefined
  const all = Buffer.allocUnsafe(size)
  return all.subarray(0, readSync(fd, all, 0, size, 0))
}

/** Reads the first bytes of a message file; answers how many. Throws like `openMessageFile`. */
export function readHead(path: string | Buffer, into: Buffer): number {
  const fd = openSync(path, READ_ONLY)
  try {
    return readSync(fd, into, 0, into.length, 0)
  } finally {
    closeSync(fd)
  }
}

function inMemory(bytes: Buffer): StoredMessage {
  return { sizeBytes: bytes.length, read: (from, to) => bytes.subarray(from, to), close: () => undefined }
}

function onDisk(fd: number, sizeBytes: number): StoredMessage {
  let open = true
  let reading = 0
  const end = (): void => {
    if (!open && reading === 0) closeSync(fd)
  }
  return {
    sizeBytes,
    async read(from, to) {
      reading++
      try {
        return await readPart(fd, from, Math.min(to, sizeBytes, from + READ_CHUNK_BYTES))
      } finally {
        reading--
        end()
      }
    },
    close() {
      if (!open) return
      open = false
      end()
    },
  }
}

async function readPart(fd: number, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(Math.max(to - from, 0))
  let filled = 0
  while (filled < bytes.length) {
    const count = await readOnce(fd, bytes, filled, from + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}

function readOnce(fd: number, bytes: Buffer, filled: number, position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    readAsync(fd, bytes, filled, bytes.length - filled, position, (error, count) =>
      error === null ? resolve(count) : reject(error),
    ),
  )
}
