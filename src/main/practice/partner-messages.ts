import type { PracticeListener } from './practice-config.ts'

/** What a worker that practises and its partner say to each other. */
export type FromPartner =
  /** Ports of its backends, by protocol. */
  | { readonly kind: 'backends'; readonly backends: Readonly<Record<string, number>> }
  | { readonly kind: 'done'; readonly begun: number; readonly letIn: number }

export interface ToPartner {
  readonly kind: 'begin'
  readonly listeners: readonly PracticeListener[]
  /** After so many milliseconds no new login begins. */
  readonly forMs: number
}
