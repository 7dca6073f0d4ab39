import type { FetchItem } from '../../wire/fetch-item.ts'

/** Dovecot's "buffered" items, which go before all others. */
const FIRST = ['flags', 'uid', 'modseq', 'internaldate', 'size'] as const

export type FirstKind = (typeof FIRST)[number]
/** Described by a summary, or read. */
export type LaterItem =
  | { readonly kind: 'envelope' | 'body' | 'bodystructure' }
  | Extract<FetchItem, { kind: 'section' }>

/** What one FETCH says of each message, and what it needs for that. */
export interface FetchPlan {
  readonly first: readonly FirstKind[]
  /** In the order asked for. */
  readonly later: readonly LaterItem[]
  /** Bytes of the message are among them. */
  readonly reads: boolean
  /** \Seen is set, and said where it is new. */
  readonly marksSeen: boolean
  readonly flags: boolean
  readonly modSeq: boolean
  /** What must be known of messages beside their bytes: of their header alone, of all of them, or nothing. */
  readonly needsSummary: 'header' | 'whole' | undefined
  readonly needsSize: boolean
  readonly needsDate: boolean
  /** Messages that did not change since are passed over. RFC 7162 §3.1.4.1. */
  readonly changedSince: number | undefined
}

export interface PlanOptions {
  readonly uid: boolean
  readonly changedSince: number | undefined
  /** Nothing may be changed, not even \Seen. */
  readonly examined: boolean
}

export function makePlan(items: readonly FetchItem[], { uid, changedSince, examined }: PlanOptions): FetchPlan {
  const kinds = items.map(({ kind }) => kind).filter(isFirst)
  if (uid) kinds.unshift('uid')
  if (changedSince !== undefined) kinds.push('modseq')
  const first = [...new Set(kinds)]
  const later = items.filter((item) => !isFirst(item.kind)) as LaterItem[]
  const sections = later.filter((item) => item.kind === 'section')
  return {
    first,
    later,
    reads: sections.length > 0,
    marksSeen: !examined && sections.some(({ peek }) => !peek),
    flags: first.includes('flags'),
    modSeq: first.includes('modseq'),
    needsSummary: summaryFor(later),
    needsSize: first.includes('size'),
    needsDate: first.includes('internaldate'),
    changedSince,
  }
}

function summaryFor(items: readonly LaterItem[]): FetchPlan['needsSummary'] {
  const described = items.filter((item) => item.kind !== 'section' || item.section.path.length > 0)
  if (described.length === 0) return undefined
  return described.every(({ kind }) => kind === 'envelope') ? 'header' : 'whole'
}

function isFirst(kind: FetchItem['kind']): kind is FirstKind {
  return (FIRST as readonly string[]).includes(kind)
}
