import type { ByteStream } from '../../net/byte-stream.ts'
import type { DeliveryOrder } from './mail-order.ts'
import { MailWorkerLost, throwUnlessDone } from './mail-wire.ts'
import { askFor, connectTo, RemoteDelivery } from './remote-mail.ts'

/** More connections than this are not kept for the deliveries to come. */
const KEPT = 32

/** A single delivery: its connection ends with it. Throws StoreRefusal, MailWorkerLost. */
export async function orderDelivery(path: string, what: DeliveryOrder): Promise<RemoteDelivery> {
  const stream = await connectTo(path)
  const answer = await askFor(stream, what)
  if (answer.kind !== 'done') stream.destroy()
  throwUnlessDone(answer)
  return new RemoteDelivery(stream, () => stream.destroy())
}

/** Deliveries to one mail worker: a connection that has done one does the next. */
export class RemoteDeliveries {
  readonly #kept: ByteStream[] = []

  /** Over a connection that is there; `undefined` when there is none. Throws StoreRefusal. */
  async again(what: DeliveryOrder): Promise<RemoteDelivery | undefined> {
    for (let stream = this.#kept.pop(); stream !== undefined; stream = this.#kept.pop()) {
      if (stream.ended) continue
      try {
        return await this.#over(stream, what)
      } catch (error) {
        // The other side ends when it was not used for long: nothing is lost yet.
        if (!(error instanceof MailWorkerLost)) throw error
      }
    }
    return undefined
  }

  /** Over a new one. Throws StoreRefusal, MailWorkerLost. */
  async open(path: string, what: DeliveryOrder): Promise<RemoteDelivery> {
    return await this.#over(await connectTo(path), what)
  }

  async #over(stream: ByteStream, what: DeliveryOrder): Promise<RemoteDelivery> {
    const answer = await askFor(stream, what)
    // After a refusal the other side hears the next order, too.
    if (answer.kind !== 'done') this.#keep(stream)
    throwUnlessDone(answer)
    return new RemoteDelivery(stream, () => this.#keep(stream))
  }

  #keep(stream: ByteStream): void {
    if (stream.ended || this.#kept.length >= KEPT) stream.destroy()
    else this.#kept.push(stream)
  }
}
