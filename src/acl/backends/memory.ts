// ACLs in memory, for tests and trials.
import { parseAclFile } from '../acl-file.ts'
import { type AclLine, writeAclLine } from '../acl-line.ts'
import { type AclChange, changeLines } from '../change.ts'
import { sortEntries } from '../entries.ts'
import { sameIdentifier } from '../identifier.ts'
import type { AclNamespace } from '../namespace.ts'
import type { AclBackend, AclObject, AclUpdate } from './backend.ts'

export class MemoryBackend implements AclBackend {
  readonly #lines = new Map<string, readonly AclLine[]>()
  readonly #objects = new Map<string, AclObject>()

  /** Replaces the entries of a mailbox by those of a file's text. */
  put(namespace: AclNamespace, mailbox: string, text: string): void {
    const content = parseAclFile(Buffer.from(text), { path: 'memory', isStrict: true })
    if (content.kind === 'lines') this.#set(keyOf(namespace, mailbox), content.lines)
    else this.#objects.set(keyOf(namespace, mailbox), content)
  }

  object(namespace: AclNamespace, mailbox: string): AclObject {
    return this.#objects.get(keyOf(namespace, mailbox)) ?? EMPTY
  }

  readonly version = 0

  freshUntilMs(): number {
    return 0
  }

  hasGlobalEntries(): boolean {
    return false
  }

  update(namespace: AclNamespace, mailbox: string, change: AclChange): Promise<AclUpdate> {
    const key = keyOf(namespace, mailbox)
    const before = this.#lines.get(key) ?? []
    const after = changeLines(before, change, 0)
    if (after !== undefined) this.#set(key, after)
    const own = (lines: readonly AclLine[]): readonly string[] =>
      lines.filter(({ identifier }) => sameIdentifier(identifier, change.identifier)).map(writeAclLine)
    return Promise.resolve({ isChanged: after !== undefined, before: own(before), after: own(after ?? before) })
  }

  copy(namespace: AclNamespace, from: string, to: string): Promise<readonly AclLine[]> {
    const lines = this.#lines.get(keyOf(namespace, from)) ?? []
    if (lines.length > 0) this.#set(keyOf(namespace, to), lines)
    return Promise.resolve(lines)
  }

  forget(): void {
    // Nothing is remembered twice here.
  }

  expire(): Promise<readonly string[]> {
    return Promise.resolve([])
  }

  #set(key: string, lines: readonly AclLine[]): void {
    this.#lines.set(key, lines)
    this.#objects.set(key, { kind: 'entries', ...sortEntries(lines, [], 0), mtimeSecs: 0 })
  }
}

const EMPTY: AclObject = { kind: 'entries', entries: [], validUntilMs: Number.POSITIVE_INFINITY, mtimeSecs: 0 }

function keyOf({ prefix }: AclNamespace, mailbox: string): string {
  return `${prefix}\0${mailbox}`
}
