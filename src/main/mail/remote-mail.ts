import { connect } from 'node:net'
import { once } from 'node:events'
import type { TaskEnd, TaskNews } from '../../admin/commands/mail/mail-admin.ts'
import type { Delivery } from '../../delivery/delivery.ts'
import type { ByteStream } from '../../net/byte-stream.ts'
import { SocketStream } from '../../net/socket-stream.ts'
import type { TaskLine } from './serve-task.ts'
import type { MailOrder, SessionOrder, TaskOrder } from './mail-order.ts'
import {
  hearAnswer,
  hearLine,
  type MailAnswer,
  MailWorkerLost,
  sayLine,
  throwUnlessDone,
  WIRE_LIMITS,
} from './mail-wire.ts'

/** Connects to a mail worker. Throws MailWorkerLost. */
export async function connectTo(path: string): Promise<ByteStream> {
  const socket = connect({ path, allowHalfOpen: true })
  try {
    await once(socket, 'connect')
  } catch (error) {
    throw new MailWorkerLost('nobody answers', { cause: error })
  }
  return new SocketStream(socket)
}

/** Gives an order and hears the answer. Throws MailWorkerLost when the other side left instead. */
export async function askFor(stream: ByteStream, what: MailOrder): Promise<MailAnswer> {
  try {
    sayLine(stream, what)
    return await hearAnswer(stream)
  } catch (error) {
    stream.destroy()
    throw error
  }
}

/** A session that another process serves: its bytes go through `stream`. */
export interface RemoteSession {
  readonly stream: ByteStream
  readonly pid: number
}

/** Throws StoreRefusal, MailWorkerLost. */
export async function orderSession(path: string, what: SessionOrder): Promise<RemoteSession> {
  const stream = await connectTo(path)
  const answer = await askFor(stream, what)
  if (answer.kind === 'ready') return { stream, pid: answer.pid }
  stream.destroy()
  throwUnlessDone(answer)
  throw new Error('an answer that does not fit')
}

/** A task that another process does. Rejects when that process does not finish it. */
export async function orderTask(
  path: string,
  what: TaskOrder,
  input: AsyncIterable<Buffer> | undefined,
  hear: (news: TaskNews) => void,
): Promise<TaskEnd> {
  const stream = await connectTo(path)
  try {
    sayLine(stream, what)
    for await (const chunk of input ?? []) await writeFrames(stream, chunk)
    stream.write('F\n')
    for (;;) {
      const line = (await hearLine(stream, WIRE_LIMITS.rowBytes)) as TaskLine
      if (line.kind === 'done' || line.kind === 'unknown-user') return line
      hear(line)
    }
  } finally {
    stream.destroy()
  }
}

/**
 * A delivery that another process does. Gathers what is small, so that a short message crosses in one piece, with the questions
 * around it.
 */
export class RemoteDelivery implements Delivery {
  readonly #stream: ByteStream
  readonly #onDone: () => void
  #isDone = false
  #isClosed = false
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0

  /** `onDone`: it is closed, and the connection is at its next order. */
  constructor(stream: ByteStream, onDone: () => void) {
    this.#stream = stream
    this.#onDone = onDone
  }

  /** Whether it could begin is told when it is finished. */
  async begin(): Promise<void> {
    this.#gather(Buffer.from('B\n'))
    await Promise.resolve()
  }

  write(chunk: Uint8Array): void | Promise<void> {
    for (let from = 0; from < chunk.length; from += WIRE_LIMITS.frameBytes) {
      const frame = chunk.subarray(from, from + WIRE_LIMITS.frameBytes)
      this.#gather(Buffer.from(`D ${frame.length}\n`))
      // Whoever gave it may use its memory again.
      this.#gather(Uint8Array.from(frame))
    }
    if (this.#gatheredBytes < GATHER_BYTES) return
    this.#flush()
    return this.#stream.drained()
  }

  async finish(): Promise<void> {
    this.#gather(Buffer.from('F\n'))
    this.#flush()
    const answer = await hearAnswer(this.#stream)
    this.#isDone = true
    throwUnlessDone(answer)
  }

  /** Whatever was not finished is forgotten when the connection ends. */
  async abort(): Promise<void> {
    this.close()
    await Promise.resolve()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#isDone) this.#onDone()
    else this.#stream.destroy()
  }

  #gather(bytes: Uint8Array): void {
    this.#gathered.push(bytes)
    this.#gatheredBytes += bytes.length
  }

  #flush(): void {
    this.#stream.write(Buffer.concat(this.#gathered, this.#gatheredBytes))
    this.#gathered = []
    this.#gatheredBytes = 0
  }
}

/** More than an ordinary message has. */
const GATHER_BYTES = 64 * 1024

async function writeFrames(stream: ByteStream, chunk: Uint8Array): Promise<void> {
  for (let from = 0; from < chunk.length; from += WIRE_LIMITS.frameBytes) {
    const frame = chunk.subarray(from, from + WIRE_LIMITS.frameBytes)
    stream.write(`D ${frame.length}\n`)
    stream.write(frame)
  }
  await stream.drained()
}
