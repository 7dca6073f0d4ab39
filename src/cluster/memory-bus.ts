import type { BusListener, ClusterBus } from './bus.ts'

/** A bus within one process, for tests: everybody who opens one of the same hub hears the others, unless it is away. */
export class MemoryHub {
  readonly #buses = new Set<MemoryBus>()
  readonly #kept = new Map<string, string>()
  #isAway = false

  bus(): MemoryBus {
    return new MemoryBus(this)
  }

  /** Takes it away from all, or brings it back. */
  setAway(isAway: boolean): void {
    if (isAway === this.#isAway) return
    this.#isAway = isAway
    for (const bus of this.#buses) bus.changed(isAway)
  }

  get isAway(): boolean {
    return this.#isAway
  }

  get kept(): Map<string, string> {
    return this.#kept
  }

  add(bus: MemoryBus): void {
    this.#buses.add(bus)
    bus.changed(this.#isAway)
  }

  remove(bus: MemoryBus): void {
    this.#buses.delete(bus)
  }

  publish(text: string): void {
    if (this.#isAway) return
    for (const bus of this.#buses) queueMicrotask(() => bus.hear(text))
  }
}

export class MemoryBus implements ClusterBus {
  readonly #hub: MemoryHub
  #listener: BusListener | undefined
  #isCut = false

  constructor(hub: MemoryHub) {
    this.#hub = hub
  }

  open(listener: BusListener): void {
    this.#listener = listener
    this.#hub.add(this)
  }

  /** This one alone does not reach the hub, or does again. */
  setCut(isCut: boolean): void {
    this.#isCut = isCut
    this.changed(isCut)
  }

  publish(text: string): void {
    if (!this.#isCut) this.#hub.publish(text)
  }

  keep(texts: ReadonlyMap<string, string>): void {
    if (this.#hub.isAway || this.#isCut) return
    for (const [name, text] of texts) this.#hub.kept.set(name, text)
  }

  async kept(): Promise<ReadonlyMap<string, string>> {
    if (this.#hub.isAway || this.#isCut) throw new Error('the hub is away')
    return await Promise.resolve(new Map(this.#hub.kept))
  }

  close(): Promise<void> {
    this.#hub.remove(this)
    this.#listener = undefined
    return Promise.resolve()
  }

  hear(text: string): void {
    if (!this.#isCut) this.#listener?.onMessage(text)
  }

  changed(isAway: boolean): void {
    if (isAway) this.#listener?.onDown('the hub is away')
    else this.#listener?.onUp()
  }
}
