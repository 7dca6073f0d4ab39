import type { ByteStream } from '../../net/byte-stream.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { framesOf } from './mail-frames.ts'
import { serveTask } from './serve-task.ts'
import type { MailHost } from './mail-host.ts'
import type { DeliveryOrder, MailOrder, SessionOrder } from './mail-order.ts'
import { answerTo, hearLine, sayLine, WIRE_LIMITS } from './mail-wire.ts'

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
  const answer = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work()
      sayLine(stream, { kind: 'done' })
      return true
    } catch (error) {
      const told = answerTo(error)
      if (told.kind === 'failed') logFault(error)
      sayLine(stream, told)
      return false
    }
  }
  let open: Awaited<ReturnType<MailHost['openDelivery']>> | undefined
  const isOpen = await answer(async () => {
    open = await host.openDelivery(order)
  })
  if (!isOpen || open === undefined) return
  const { delivery } = open
  try {
    for await (const frame of framesOf(stream)) {
      if (frame === 'begin') await answer(async () => await delivery.begin())
      else if (frame === 'finish') await answer(async () => await delivery.finish())
      else await delivery.write(frame)
    }
  } finally {
    await delivery.abort()
    await open.close()
  }
}
