import { connect } from 'node:net'
import { once } from 'node:events'
import type { TaskEnd, TaskNews } from '../../admin/commands/mail/mail-admin.ts'
import type { Delivery } from '../../delivery/delivery.ts'
import type { ByteStream } from '../../net/byte-stream.ts'
import { SocketStream } from '../../net/socket-stream.ts'
import type { TaskLine } from './serve-task.ts'
import type { DeliveryOrder, MailOrder, SessionOrder, TaskOrder } from './mail-order.ts'
import { hearAnswer, hearLine, type MailAnswer, sayLine, throwUnlessDone, WIRE_LIMITS } from './mail-wire.ts'

async function connectTo(path: string): Promise<ByteStream> {
  const socket = connect({ path, allowHalfOpen: true })
  await once(socket, 'connect')
  return new SocketStream(socket)
}

/** Connects to a mail worker and gives it an order. Rejects when it cannot be reached or does not answer. */
async function order(path: string, what: MailOrder): Promise<{ stream: ByteStream; answer: MailAnswer }> {
  const stream = await connectTo(path)
  try {
    sayLine(stream, what)
    return { stream, answer: await hearAnswer(stream) }
  } catch (error) {
    stream.destroy()
    throw error
  }
}

/** A session that another process serves: its bytes go through `stream`. Throws StoreRefusal. */
export async function orderSession(
  path: string,
  what: SessionOrder,
): Promise<{ readonly stream: ByteStream; readonly pid: number; readonly plugins: ReadonlySet<string> }> {
  const { stream, answer } = await order(path, what)
  if (answer.kind === 'ready') return { stream, pid: answer.pid, plugins: new Set(answer.plugins) }
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

/** A delivery that another process does. Throws StoreRefusal. */
export async function orderDelivery(path: string, what: DeliveryOrder): Promise<RemoteDelivery> {
  const { stream, answer } = await order(path, what)
  try {
    throwUnlessDone(answer)
  } catch (error) {
    stream.destroy()
    throw error
  }
  return new RemoteDelivery(stream)
}

/** Gathers what is small, so that a short message crosses in one piece, with the questions around it. */
export class RemoteDelivery implements Delivery {
  readonly #stream: ByteStream
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0

  constructor(stream: ByteStream) {
    this.#stream = stream
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
    throwUnlessDone(await hearAnswer(this.#stream))
  }

  /** Whatever was not finished is forgotten when the connection ends. */
  async abort(): Promise<void> {
    this.close()
    await Promise.resolve()
  }

  close(): void {
    this.#stream.destroy()
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
