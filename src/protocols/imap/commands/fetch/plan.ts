import type { FetchItem } from '../../wire/fetch-item.ts'

type SectionItem = Extract<FetchItem, { kind: 'section' }>
/** At hand, or in an index: said first, as Dovecot does. */
export type PlainKind = Exclude<FetchItem['kind'], 'section'>

/** What one FETCH says of each message, and what it needs for that. */
export interface FetchPlan {
  readonly plain: readonly PlainKind[]
  readonly sections: readonly SectionItem[]
  /** \Seen is set, and said where it is new. */
  readonly marksSeen: boolean
  readonly flags: boolean
  readonly modSeq: boolean
  readonly needsSummary: boolean
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
  const kinds = items.map((item) => item.kind).filter((kind) => kind !== 'section')
  if (uid) kinds.unshift('uid')
  if (changedSince !== undefined) kinds.push('modseq')
  const unique = [...new Set(kinds)]
  const plain = [...unique.filter((kind) => FIRST.has(kind)), ...unique.filter((kind) => !FIRST.has(kind))]
  const sections = items.filter((item) => item.kind === 'section')
  const described = plain.some((kind) => kind === 'envelope' || kind === 'body' || kind === 'bodystructure')
  return {
    plain,
    sections,
    marksSeen: !examined && sections.some(({ peek }) => !peek),
    flags: plain.includes('flags'),
    modSeq: plain.includes('modseq'),
    needsSummary: described || sections.some(({ section }) => section.path.length > 0),
    needsSize: plain.includes('size'),
    needsDate: plain.includes('internaldate'),
    changedSince,
  }
}

/** Dovecot's "buffered" items, which go before all others. */
const FIRST: ReadonlySet<PlainKind> = new Set(['flags', 'uid', 'modseq', 'internaldate', 'size'])
