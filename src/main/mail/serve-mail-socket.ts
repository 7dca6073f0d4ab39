import type { ByteStream } from '../../net/byte-stream.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { framesOf } from './mail-frames.ts'
import { serveTask } from './serve-task.ts'
import type { MailHost } from './mail-host.ts'
import type { DeliveryOrder, MailOrder, SessionOrder } from './mail-order.ts'
import type { IdleExit } from './idle-exit.ts'
import { answerTo, hearLineOrEnd, hearNextLine, type MailAnswer, sayLine, WIRE_LIMITS } from './mail-wire.ts'

export interface MailSocketNeeds {
  readonly host: MailHost
  readonly protocols: readonly Protocol[]
  /** Fires when the process has to end. */
  readonly stopping: AbortSignal
  readonly presence: IdleExit
  /** Something went wrong that nobody else tells. */
  readonly logFault: (error: unknown) => void
}

/** Serves one connection from a process that talks to strangers: an order and what follows it; then other deliveries. Never rejects. */
export async function serveMailSocket(stream: ByteStream, needs: MailSocketNeeds): Promise<void> {
  const { presence, logFault } = needs
  presence.enter()
  try {
    stream.setDeadline(WIRE_LIMITS.answerMs)
    let order = (await hearNextLine(stream, WIRE_LIMITS.orderBytes)) as MailOrder | undefined
    stream.setDeadline(undefined)
    while (order !== undefined && (await carryOut(stream, order, needs))) order = await nextOrder(stream, presence)
  } catch (error) {
    logFault(error)
  }
  await stream.close()
  presence.leave()
}

/** Between deliveries a connection keeps nobody from leaving. */
async function nextOrder(stream: ByteStream, presence: IdleExit): Promise<MailOrder | undefined> {
  const goAway = (): void => stream.destroy()
  presence.addLeaver(goAway)
  presence.leave()
  try {
    return (await hearLineOrEnd(stream, WIRE_LIMITS.orderBytes)) as MailOrder | undefined
  } finally {
    presence.enter()
    presence.deleteLeaver(goAway)
  }
}

/** Resolves with whether the connection is at its next order. */
async function carryOut(stream: ByteStream, order: MailOrder, needs: MailSocketNeeds): Promise<boolean> {
  if (order.kind === 'delivery') return await serveDelivery(stream, order, needs)
  if (order.kind === 'session') await serveSession(stream, order, needs)
  else await serveTask(stream, order, needs)
  return false
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
    sayLine(stream, { kind: 'ready', pid: process.pid })
    await protocol.serve(stream, open.session)
  } finally {
    await open.close()
  }
}

async function serveDelivery(
  stream: ByteStream,
  order: DeliveryOrder,
  { host, logFault }: MailSocketNeeds,
): Promise<boolean> {
  const answer = (error?: unknown): void => {
    const told: MailAnswer = error === undefined ? { kind: 'done' } : answerTo(error)
    if (told.kind === 'failed') logFault(error)
    sayLine(stream, told)
  }
  const open = await host.openDelivery(order).catch(answer)
  if (open === undefined) return true
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
        return true
      }
    }
    return false
  } finally {
    await delivery.abort()
    await open.close()
  }
}
