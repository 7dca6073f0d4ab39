// Messages as Dovecot's plugin zlib keeps them: the file is compressed as a whole, and its name tells sizes without that.
import { promisify } from 'node:util'
import { gunzip, gunzipSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import { READ_CHUNK_BYTES, type StoredMessage } from '../../store.ts'

/** What is unpacked at once; more is left to a thread. */
const AT_ONCE_BYTES = 1024 * 1024
/** A message that is larger when it is unpacked cannot be read: a few kilobytes may stand for any number of gigabytes. */
const MAX_BYTES = 256 * 1024 * 1024

interface Packing {
  /** How its files begin; no message does. */
  readonly magic: Buffer
  readonly now: (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer
  readonly soon: (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>
}

const PACKINGS: readonly Packing[] = [
  { magic: Buffer.from([0x1f, 0x8b]), now: gunzipSync, soon: promisify(gunzip) },
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), now: zstdDecompressSync, soon: promisify(zstdDecompress) },
]

const MAGIC_BYTES = 4

/** The message that a file holds, be it compressed or not; `stored` is closed with it. */
export function unpacked(stored: StoredMessage): StoredMessage | Promise<StoredMessage> {
  const head = stored.read(0, MAGIC_BYTES)
  return head instanceof Promise ? head.then((bytes) => unpack(stored, bytes)) : unpack(stored, head)
}

function unpack(stored: StoredMessage, head: Buffer): StoredMessage | Promise<StoredMessage> {
  const packing = PACKINGS.find(({ magic }) => head.subarray(0, magic.length).equals(magic))
  if (packing === undefined) return stored
  const all = stored.sizeBytes > READ_CHUNK_BYTES ? undefined : stored.read(0, stored.sizeBytes)
  const bytes = all === undefined || all instanceof Promise ? undefined : unpackNow(packing, all)
  if (bytes === undefined) return unpackSoon(packing, stored)
  stored.close()
  return inMemory(bytes)
}

/** `undefined` when it is not small. */
function unpackNow({ now }: Packing, bytes: Buffer): Buffer | undefined {
  try {
    return now(bytes, { maxOutputLength: AT_ONCE_BYTES })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

async function unpackSoon({ soon }: Packing, stored: StoredMessage): Promise<StoredMessage> {
  try {
    const parts: Buffer[] = []
    for (let at = 0; at < stored.sizeBytes; at += READ_CHUNK_BYTES)
      // What was lent is overwritten by the next.
      parts.push(Buffer.from(await stored.read(at, Math.min(stored.sizeBytes, at + READ_CHUNK_BYTES))))
    return inMemory(await soon(Buffer.concat(parts), { maxOutputLength: MAX_BYTES }))
  } finally {
    stored.close()
  }
}

function inMemory(bytes: Buffer): StoredMessage {
  return {
    sizeBytes: bytes.length,
    read: (from, to) => bytes.subarray(from, Math.min(to, from + READ_CHUNK_BYTES)),
    close: () => undefined,
  }
}
