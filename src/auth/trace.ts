import type { SourcePosition } from '../config/config.ts'
import type { AuthStep } from './auth.ts'
import type { FieldSet } from './extra-fields.ts'
import { shownValue } from './log-text.ts'

/** A trace is for a person to read; a loop in a configuration does not make it endless. */
const MAX_LINES = 5000

/** Collects what happens in a chain, for `auth explain`: one step for each database, one line for each thing it did. */
export class Trace {
  readonly steps: AuthStep[] = []
  #part = ''
  #at: SourcePosition | undefined
  #lines: string[] = []
  #fields: ReadonlyMap<string, { readonly value: string; readonly from: string }> | undefined
  #count = 0

  /** Begins a step; what was noted before belongs to the step before. */
  begin(part: string, at?: SourcePosition): void {
    this.#flush()
    this.#part = part
    this.#at = at
  }

  note(line: string): void {
    if (this.#count++ < MAX_LINES) this.#lines.push(line)
  }

  /** The fields that this step set and that are still there. */
  fields(fields: FieldSet, prefix = ''): void {
    const shown = new Map(this.#fields ?? [])
    for (const [name, { value, from }] of fields.changed()) {
      shown.set(`${prefix}${name}`, { value: shownValue(name, value), from })
    }
    this.#fields = shown
  }

  end(): readonly AuthStep[] {
    this.#flush()
    return this.steps
  }

  #flush(): void {
    const hasFields = this.#fields !== undefined && this.#fields.size > 0
    if (this.#part !== '' || this.#lines.length > 0) {
      this.steps.push({
        part: this.#part,
        text: this.#lines.join('\n'),
        ...(this.#at !== undefined && { at: this.#at }),
        ...(hasFields && this.#fields !== undefined && { fields: this.#fields }),
      })
    }
    this.#part = ''
    this.#at = undefined
    this.#lines = []
    this.#fields = undefined
  }
}
