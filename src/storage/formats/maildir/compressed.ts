// Messages as Dovecot's plugin zlib keeps them: the file is compressed as a whole, and its name tells sizes without that.
import { promisify } from 'node:util'
import { gunzip, gunzipSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import { READ_CHUNK_BYTES, type StoredMessage } from '../../store.ts'

/** What is unpacked at once; more is left to a thread. */
const AT_ONCE_BYTES = 1024 * 1024
/** A larger message is not unpacked. */
const MAX_BYTES = 256 * 1024 * 1024
/** The same of one whose name does not tell its size: a few kilobytes may stand for any number of gigabytes. */
const MAX_UNTOLD_BYTES = 64 * 1024 * 1024

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

/**
 * The message that a file holds, be it compressed or not; `stored` is closed with it. Where the file's name tells a size,
 * `expectedBytes`, only what unpacks to that was compressed by a server: anything else is a message that somebody sent so.
 */
export function unpacked(
  stored: StoredMessage,
  expectedBytes: number | undefined,
): StoredMessage | Promise<StoredMessage> {
  if (expectedBytes !== undefined && expectedBytes > MAX_BYTES) return stored
  const head = stored.read(0, MAGIC_BYTES)
  return head instanceof Promise
    ? head.then((bytes) => unpack(stored, bytes, expectedBytes))
    : unpack(stored, head, expectedBytes)
}

function unpack(
  stored: StoredMessage,
  head: Buffer,
  expectedBytes: number | undefined,
): StoredMessage | Promise<StoredMessage> {
  const packing = PACKINGS.find(({ magic }) => head.subarray(0, magic.length).equals(magic))
  if (packing === undefined) return stored
  const isLarge = expectedBytes === undefined || expectedBytes > AT_ONCE_BYTES || stored.sizeBytes > READ_CHUNK_BYTES
  const all = isLarge ? undefined : stored.read(0, stored.sizeBytes)
  if (all === undefined || all instanceof Promise) return unpackSoon(packing, stored, expectedBytes)
  try {
    return replaced(stored, packing.now(all, { maxOutputLength: limitFor(expectedBytes) }), expectedBytes)
  } catch (error) {
    return unlessPacked(stored, error)
  }
}

async function unpackSoon(
  packing: Packing,
  stored: StoredMessage,
  expectedBytes: number | undefined,
): Promise<StoredMessage> {
  const parts: Buffer[] = []
  for (let at = 0; at < stored.sizeBytes; at += READ_CHUNK_BYTES)
    // What was lent is overwritten by the next.
    parts.push(Buffer.from(await stored.read(at, Math.min(stored.sizeBytes, at + READ_CHUNK_BYTES))))
  try {
    const bytes = await packing.soon(Buffer.concat(parts), { maxOutputLength: limitFor(expectedBytes) })
    return replaced(stored, bytes, expectedBytes)
  } catch (error) {
    return unlessPacked(stored, error)
  }
}

/** The limit may not be 0. */
function limitFor(expectedBytes = MAX_UNTOLD_BYTES): number {
  return Math.max(1, expectedBytes)
}

function replaced(stored: StoredMessage, bytes: Buffer, expectedBytes = bytes.length): StoredMessage {
  if (bytes.length !== expectedBytes) return stored
  stored.close()
  return inMemory(bytes)
}

/** It is longer than it should be, or cannot be unpacked. */
function unlessPacked(stored: StoredMessage, error: unknown): StoredMessage {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ERR_BUFFER_TOO_LARGE' || /^(Z_|ZSTD_)/.test(code)) return stored
  stored.close()
  throw error
}

function inMemory(bytes: Buffer): StoredMessage {
  return {
    sizeBytes: bytes.length,
    read: (from, to) => bytes.subarray(from, Math.min(to, from + READ_CHUNK_BYTES)),
    close: () => undefined,
  }
}
