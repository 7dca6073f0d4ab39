import { CLUSTER_LIMITS } from './limits.ts'

/** What servers of a cluster say to each other. */
export type ClusterMessage =
  /** I am there; `isNew`: and know nothing of you. */
  | { readonly kind: 'here'; readonly from: string; readonly isNew: boolean }
  | { readonly kind: 'bye'; readonly from: string }
  | {
      readonly kind: 'tell'
      readonly from: string
      /** Absent: everybody. */
      readonly to?: string
      readonly topic: string
      readonly data: unknown
    }
  | { readonly kind: 'ask'; readonly from: string; readonly id: number; readonly topic: string; readonly data: unknown }
  | {
      readonly kind: 'answer'
      readonly from: string
      readonly to: string
      readonly id: number
      readonly rows: readonly unknown[]
      readonly isLast: boolean
    }

/** Twins: `readMessage(writeMessage(x))` is x. */
export function writeMessage(message: ClusterMessage): string {
  return JSON.stringify(message)
}

/** `undefined` when it makes no sense: another version may speak, or a stranger. */
export function readMessage(text: string): ClusterMessage | undefined {
  if (text.length > CLUSTER_LIMITS.messageBytes) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { kind, from, to, topic, data, id, rows, isNew, isLast } = value as Readonly<Record<string, unknown>>
  if (typeof from !== 'string' || from === '' || from.length > 255) return undefined
  switch (kind) {
    case 'here':
      return { kind, from, isNew: isNew === true }
    case 'bye':
      return { kind, from }
    case 'tell':
      if (typeof topic !== 'string') return undefined
      return { kind, from, topic, data, ...(typeof to === 'string' && { to }) }
    case 'ask':
      if (typeof topic !== 'string' || typeof id !== 'number') return undefined
      return { kind, from, id, topic, data }
    case 'answer':
      if (typeof to !== 'string' || typeof id !== 'number' || !Array.isArray(rows)) return undefined
      return { kind, from, to, id, rows: rows as readonly unknown[], isLast: isLast === true }
    default:
      return undefined
  }
}
