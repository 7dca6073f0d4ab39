import { type EventName, type EventTable, hears, type LogLevel, type Observer } from '../observe/events.ts'

/** An observer whose sinks change with the configuration, for parts that live longer than one configuration. */
export class SwitchObserver implements Observer {
  #sinks: readonly Observer[] = []
  /** The sinks that hear events of a name, found out with the first. */
  #listeners = new Map<EventName, readonly Observer[]>()

  use(sinks: readonly Observer[]): void {
    this.#sinks = sinks
    this.#listeners = new Map()
  }

  emit<Name extends EventName>(name: Name, fields: EventTable[Name]): void {
    for (const sink of this.#listenersOf(name)) sink.emit(name, fields)
  }

  log(level: LogLevel, service: string, text: string): void {
    for (const sink of this.#sinks) sink.log(level, service, text)
  }

  hears(name: EventName): boolean {
    return this.#listenersOf(name).length > 0
  }

  #listenersOf(name: EventName): readonly Observer[] {
    const known = this.#listeners.get(name)
    if (known !== undefined) return known
    const listeners = this.#sinks.filter((sink) => hears(sink, name))
    this.#listeners.set(name, listeners)
    return listeners
  }
}
