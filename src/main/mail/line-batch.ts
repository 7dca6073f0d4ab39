import type { LogLevel } from '../../observe/events.ts'

/** A line for the log of another process. */
export interface LogLine {
  readonly level: LogLevel
  readonly service: string
  readonly text: string
}

/** Lines go out together: a message for each would cost more than a short session. */
const BATCH_MS = 10
const BATCH_LINES = 200

/** Gathers lines for a moment. */
export class LineBatch {
  readonly #send: (lines: readonly LogLine[]) => void
  #lines: LogLine[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(send: (lines: readonly LogLine[]) => void) {
    this.#send = send
  }

  add(line: LogLine): void {
    this.#lines.push(line)
    if (this.#lines.length >= BATCH_LINES) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS)
  }

  /** Now: the process ends. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const lines = this.#lines
    this.#lines = []
    if (lines.length > 0) this.#send(lines)
  }
}
