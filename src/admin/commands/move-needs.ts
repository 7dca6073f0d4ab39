import type { RoutingRows } from '../../auth/routing-row.ts'
import type { MoveQuestion, MoveRow } from './move-wire.ts'

/** What a move works with. */
export interface MoveNeeds {
  /** The running server. Rejects when it, or one of its workers, does not answer. */
  readonly server: { ask(question: MoveQuestion): Promise<readonly MoveRow[]> }
  readonly rows: RoutingRows
  /** Whose passdbs are looked at: imap, pop3 ... */
  readonly service: string
  /** Names this move in the log, and its holds. */
  readonly id: string
  print(text: string): void
  complain(text: string): void
  /** The administrator wants it to stop: what is half done is put back. */
  readonly signal: AbortSignal
}

/** A move cannot go on; the message says why. */
export class MoveFailed extends Error {
  override readonly name = 'MoveFailed'
}

export function* chunksOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
