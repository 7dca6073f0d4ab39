import type { PenaltyChange, PenaltyRow } from '../auth/penalty.ts'
import type { Revocation } from '../auth/revocations.ts'
import type { PasswordNews } from '../auth/shared-passwords.ts'

/** What all workers of a server know alike, and how they keep it so. Plain data: it crosses a process boundary. */

export type SharedFromWorker =
  | { readonly kind: 'penalty'; readonly change: PenaltyChange }
  /** May a connection be counted? Answered by `entered`. */
  | { readonly kind: 'enter'; readonly id: number; readonly key: string; readonly limit: number }
  | { readonly kind: 'leave'; readonly key: string }
  /** What a database said: auth caches with another password forget it. */
  | { readonly kind: 'password'; readonly news: PasswordNews }
  /** A changed password has ended a revocation. */
  | { readonly kind: 'revocation'; readonly entry: Revocation }

export type SharedToWorker =
  /** What a worker must know before its first login. */
  | {
      readonly kind: 'begin'
      readonly penaltyKey: Buffer
      readonly penalties: readonly PenaltyRow[]
      readonly revocations: readonly Revocation[]
    }
  | { readonly kind: 'penalty'; readonly change: PenaltyChange }
  | { readonly kind: 'penalties'; readonly rows: readonly PenaltyRow[] }
  | { readonly kind: 'password'; readonly news: PasswordNews }
  | { readonly kind: 'entered'; readonly id: number; readonly isFree: boolean }
  | { readonly kind: 'revocation'; readonly entry: Revocation }
