/** What stands behind `before`, `on` and `since`. */
export type Moment =
  /** A day on the calendar: of this machine, or for Date fields of the sender. Counts from 1970. */
  | { readonly kind: 'day'; readonly day: number }
  /** Seconds since 1970. */
  | { readonly kind: 'second'; readonly second: number }

const MONTHS = 'janfebmaraprmayjunjulaugsepoctnovdec'
const DAY_MS = 86_400_000
/** Dovecot's words for spans of time, by how they begin. */
const SPANS: readonly (readonly [name: string, seconds: number])[] = [
  ['seconds', 1],
  ['minutes', 60],
  ['hours', 3600],
  ['days', 86_400],
  ['weeks', 604_800],
]

/** `2026-11-22`, `22-Nov-2026`, seconds since 1970, or how long ago: `2weeks`, `1d`. `undefined` for anything else. */
export function parseMoment(text: string, nowMs: number): Moment | undefined {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (iso !== null) return dayMoment(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]))
  const imap = /^(\d{1,2})-([a-z]{3})-(\d{4})$/i.exec(text)
  const month = imap === null ? -1 : MONTHS.indexOf(imap[2]?.toLowerCase() ?? '')
  if (imap !== null && month >= 0 && month % 3 === 0) return dayMoment(Number(imap[3]), month / 3, Number(imap[1]))
  if (/^\d{1,10}$/.test(text)) return { kind: 'second', second: Number(text) }
  const age = /^(\d{1,9}) ?([a-z]+)$/i.exec(text)
  if (age === null) return undefined
  const unit = age[2]?.toLowerCase() ?? ''
  const seconds = SPANS.find(([name]) => name.startsWith(unit))?.[1]
  return seconds === undefined
    ? undefined
    : { kind: 'second', second: Math.floor(nowMs / 1000) - Number(age[1]) * seconds }
}

/** Whether a time is before, on or since a moment; `offsetMinutes`: of its calendar from UTC. */
export function compareMoment(
  test: 'before' | 'on' | 'since',
  seconds: number,
  offsetMinutes: number,
  moment: Moment,
): boolean {
  const [at, size] =
    moment.kind === 'second' ? [moment.second, DAY_MS / 1000] : [moment.day * (DAY_MS / 1000), DAY_MS / 1000]
  const time = moment.kind === 'second' ? seconds : seconds + offsetMinutes * 60
  if (test === 'before') return time < at
  return time >= at && (test === 'since' || time < at + size)
}

function dayMoment(year: number, month: number, day: number): Moment | undefined {
  const date = new Date(Date.UTC(year, month, day))
  const isDay = date.getUTCMonth() === month && date.getUTCDate() === day
  return isDay ? { kind: 'day', day: date.getTime() / DAY_MS } : undefined
}
