import type { ByteStream } from '../../net/byte-stream.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { framesOf } from './mail-frames.ts'
import { serveTask } from './serve-task.ts'
import type { MailHost } from './mail-host.ts'
import type { DeliveryOrder, MailOrder, SessionOrder } from './mail-order.ts'
import { answerTo, hearLine, type MailAnswer, sayLine, WIRE_LIMITS } from './mail-wire.ts'

export interface MailSocketNeeds {
  readonly host: MailHost
  readonly protocols: readonly Protocol[]
  /** Fires when the process has to end. */
  readonly stopping: AbortSignal
  /** Something went wrong that nobody else tells. */
  readonly logFault: (error: unknown) => void
}

/** Serves one connection from a process that talks to strangers: one order, and what follows it. Never rejects. */
export async function serveMailSocket(stream: ByteStream, needs: MailSocketNeeds): Promise<void> {
  try {
    stream.setDeadline(WIRE_LIMITS.answerMs)
    const order = (await hearLine(stream, WIRE_LIMITS.orderBytes)) as MailOrder
    stream.setDeadline(undefined)
    if (order.kind === 'session') await serveSession(stream, order, needs)
    else if (order.kind === 'task') await serveTask(stream, order, needs)
    else await serveDelivery(stream, order, needs)
  } catch (error) {
    needs.logFault(error)
  }
  await stream.close()
}

async function serveSession(
  stream: ByteStream,
  order: SessionOrder,
  { host, protocols, stopping, logFault }: MailSocketNeeds,
): Promise<void> {
  const protocol = protocols.find(({ name }) => name === order.protocol)
  if (protocol?.serve === undefined) throw new Error(`nobody serves ${order.protocol} here`)
  const open = await host.openSession(order, stopping).catch((error: unknown) => {
    const answer = answerTo(error)
    if (answer.kind === 'failed') logFault(error)
    sayLine(stream, answer)
  })
  if (open === undefined) return
  try {
    sayLine(stream, { kind: 'ready', pid: process.pid, plugins: [...open.session.plugins] })
    await protocol.serve(stream, open.session)
  } finally {
    await open.close()
  }
}

async function serveDelivery(
  stream: ByteStream,
  order: DeliveryOrder,
  { host, logFault }: MailSocketNeeds,
): Promise<void> {
  const answer = (error?: unknown): void => {
    const told: MailAnswer = error === undefined ? { kind: 'done' } : answerTo(error)
    if (told.kind === 'failed') logFault(error)
    sayLine(stream, told)
  }
  const open = await host.openDelivery(order).catch(answer)
  if (open === undefined) return
  answer()
  const { delivery } = open
  let failure: unknown
  const trying = async (work: () => void | Promise<void>): Promise<void> => {
    if (failure !== undefined) return
    try {
      await work()
    } catch (error) {
      failure = error
    }
  }
  try {
    for await (const frame of framesOf(stream)) {
      if (frame === 'begin') await trying(() => delivery.begin())
      else if (frame !== 'finish') await trying(() => delivery.write(frame))
      else {
        await trying(() => delivery.finish())
        answer(failure)
      }
    }
  } finally {
    await delivery.abort()
    await open.close()
  }
}
