// The "files" of the memory format.
import { randomBytes } from 'node:crypto'
import { StoreRefusal } from '../refusal.ts'

export interface MemoryRoot {
  readonly boxes: Map<string, MemoryBox>
  readonly directories: Set<string>
  subscriptions: string[]
  nextUidValidity: number
}

/** The "files" of a mailbox: what all processes see. */
export interface MemoryBox {
  readonly uidValidity: number
  readonly guid: string
  uidNext: number
  readonly messages: Map<number, MemoryMessage>
  readonly keywords: string[]
  /** Goes up with every change. */
  version: number
  deleted: boolean
  readonly watchers: Set<() => void>
}

export interface MemoryMessage {
  readonly uid: number
  readonly key: string
  readonly bytes: Buffer
  readonly internalDateMs: number
  bits: number
  keywords: readonly string[]
  recent: boolean
}

export function newBox(root: MemoryRoot): MemoryBox {
  const uidValidity = root.nextUidValidity
  root.nextUidValidity += 1
  return {
    uidValidity,
    guid: randomBytes(16).toString('hex'),
    uidNext: 1,
    messages: new Map(),
    keywords: [],
    version: 0,
    deleted: false,
    watchers: new Set(),
  }
}

export function touch(box: MemoryBox): void {
  box.version += 1
  for (const watcher of box.watchers) setImmediate(watcher)
}

export function addKeywords(box: MemoryBox, keywords: readonly string[]): void {
  for (const keyword of keywords) if (!box.keywords.includes(keyword)) box.keywords.push(keyword)
}

export function refuse(code: StoreRefusal['code'], text: string): Promise<never> {
  return Promise.reject(new StoreRefusal(code, text))
}
