/** What connects the servers of a cluster: words to all others, and texts that stay. `redis-bus.ts` is one, `memory-bus.ts` its twin. */
export interface ClusterBus {
  /** Begins to listen, and to connect for as long as it takes. Called once. */
  open(listener: BusListener): void
  /** Tells all others, and ourselves. Lost while the bus is away. Never throws. */
  publish(text: string): void
  /** Keeps texts by name until they are overwritten. Lost while the bus is away. Never throws. */
  keep(texts: ReadonlyMap<string, string>): void
  /** What is kept. Rejects while the bus is away. */
  kept(): Promise<ReadonlyMap<string, string>>
  close(): Promise<void>
}

export interface BusListener {
  readonly onMessage: (text: string) => void
  /** It works, for the first time or again. */
  readonly onUp: () => void
  /** It does not work any more, or did not from the start; told once until it is up again. */
  readonly onDown: (why: string) => void
}
