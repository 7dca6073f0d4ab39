import type { BackendNews } from '../proxy/hosts.ts'
import type { FileSnapshot } from './config-snapshot.ts'
import type { MailWorkerQuestion, MailWorkerReply } from './mail/worker-sockets.ts'
import type { SharedFromWorker, SharedToWorker } from './shared-messages.ts'

/** What the supervisor tells a worker and what it hears back. Plain data: it crosses a process boundary. */

/** A configuration as one loading saw it: every worker sees the same bytes. */
export interface ConfigSource {
  readonly path: string
  readonly overrides: readonly string[]
  readonly snapshot: FileSnapshot
}

export type ToWorker =
  /** Build everything for this configuration; answer `prepared` or `failed`. Nothing changes for users yet. */
  | {
      readonly kind: 'prepare'
      readonly generation: number
      readonly source: ConfigSource
      readonly ticketKeys: Buffer
      /** How many workers share the limits of the configuration. */
      readonly workers: number
      /** The worker has just begun: `postern_practice` comes first. */
      readonly practise?: boolean
    }
  | { readonly kind: 'commit'; readonly generation: number }
  | { readonly kind: 'discard'; readonly generation: number }
  | { readonly kind: 'ticket-keys'; readonly ticketKeys: Buffer }
  | { readonly kind: 'reopen-logs' }
  /** End: politely within `graceMs`, then at once. */
  | { readonly kind: 'stop'; readonly graceMs: number }
  /** What another worker found out about a backend. */
  | { readonly kind: 'backend-news'; readonly news: BackendNews }
  | { readonly kind: 'shared'; readonly message: SharedToWorker }
  | { readonly kind: 'mail-worker'; readonly reply: MailWorkerReply }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }

/** Asked of all workers by the control socket and the metrics listener. */
export type Question =
  | { readonly kind: 'metrics' }
  | { readonly kind: 'command'; readonly name: string; readonly input: unknown }

export interface BoundListener {
  readonly name: string
  readonly address: string
  readonly port: number
}

export type FromWorker =
  | { readonly kind: 'hello' }
  | { readonly kind: 'prepared'; readonly generation: number; readonly listeners: readonly BoundListener[] }
  | { readonly kind: 'failed'; readonly generation: number; readonly error: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'sessions'; readonly count: number }
  | { readonly kind: 'shared'; readonly message: SharedFromWorker }
  | { readonly kind: 'mail-worker'; readonly question: MailWorkerQuestion }
  | { readonly kind: 'backend-news'; readonly news: BackendNews }
