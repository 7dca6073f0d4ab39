import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** More than this lies in a file. */
const MEMORY_BYTES = 1024 * 1024
const CHUNK_BYTES = 64 * 1024

/** Bytes that are kept until it is known how many they are: in memory, or in a file that nobody else can open. */
export class Spool {
  #chunks: Buffer[] = []
  #file: FileHandle | undefined
  sizeBytes = 0

  async write(chunk: Uint8Array): Promise<void> {
    this.sizeBytes += chunk.length
    if (this.#file === undefined && this.sizeBytes <= MEMORY_BYTES) {
      this.#chunks.push(Buffer.from(chunk))
      return
    }
    this.#file ??= await this.#openFile()
    await writeAll(this.#file, chunk)
  }

  /** All of it, in order. */
  async *read(): AsyncIterable<Buffer> {
    if (this.#file === undefined) return yield* this.#chunks
    for (let at = 0; at < this.sizeBytes; ) {
      const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, at)
      if (bytesRead === 0) throw new Error('a temporary file ended early')
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    this.#chunks = []
    await file?.close()
  }

  async #openFile(): Promise<FileHandle> {
    const path = join(tmpdir(), `postern-${randomUUID()}`)
    const file = await open(path, 'wx+', 0o600)
    await unlink(path)
    for (const chunk of this.#chunks) await writeAll(file, chunk)
    this.#chunks = []
    return file
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten
}
