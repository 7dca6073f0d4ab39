import type { EventName, EventTable, LogLevel, Observer } from '../observe/events.ts'

/** An observer whose sinks change with the configuration, for parts that live longer than one configuration. */
export class SwitchObserver implements Observer {
  #sinks: readonly Observer[] = []

  use(sinks: readonly Observer[]): void {
    this.#sinks = sinks
  }

  emit<Name extends EventName>(name: Name, fields: EventTable[Name]): void {
    for (const sink of this.#sinks) sink.emit(name, fields)
  }

  log(level: LogLevel, service: string, text: string): void {
    for (const sink of this.#sinks) sink.log(level, service, text)
  }
}
