import type { ExtraFields } from './auth.ts'

export interface Field {
  readonly value: string
  /** Kept for `:protected` and %{passdb:...}, not told to the login process. */
  readonly hidden: boolean
  /** Where it was set, for `auth explain`: a setting with file and line, a column, a line of a passwd-file. */
  readonly from: string
}

/**
 * The fields that the databases of a chain have set so far. A database that fails takes back what it added: `snapshot`
 * marks the fields as kept, `rollback` returns to the last mark.
 */
export class FieldSet {
  readonly #fields = new Map<string, Field>()
  /** What each name was before its change, since the last snapshot. */
  #undo: { readonly name: string; readonly before: Field | undefined }[] = []

  get(name: string): string | undefined {
    return this.#fields.get(name)?.value
  }

  has(name: string): boolean {
    return this.#fields.has(name)
  }

  add(name: string, value: string, from: string, hidden = false): void {
    this.#undo.push({ name, before: this.#fields.get(name) })
    this.#fields.set(name, { value, hidden, from })
  }

  remove(name: string): void {
    const before = this.#fields.get(name)
    if (before === undefined) return
    this.#undo.push({ name, before })
    this.#fields.delete(name)
  }

  snapshot(): void {
    // Not by setting the length: V8 leaves its fast paths for that.
    if (this.#undo.length > 0) this.#undo = []
  }

  rollback(): void {
    for (let change = this.#undo.pop(); change !== undefined; change = this.#undo.pop()) {
      if (change.before === undefined) this.#fields.delete(change.name)
      else this.#fields.set(change.name, change.before)
    }
  }

  /** The fields that were set since the last snapshot and are still there. */
  changed(): Map<string, Field> {
    const changed = new Map<string, Field>()
    for (const { name } of this.#undo) {
      const field = this.#fields.get(name)
      if (field !== undefined) changed.set(name, field)
    }
    return changed
  }

  /** The fields that leave the auth service. */
  visible(): ExtraFields {
    const visible = new Map<string, string>()
    for (const [name, { value, hidden }] of this.#fields) if (!hidden) visible.set(name, value)
    return visible
  }

  /** All fields, hidden ones too. */
  entries(): IterableIterator<[string, Field]> {
    return this.#fields.entries()
  }
}
