import { FieldLexer, type Outcome } from './lexer.ts'

/** A moment, and the clock its sender looked at. */
export interface SentDate {
  /** Seconds since 1970, UTC. */
  readonly seconds: number
  /** East of Greenwich. */
  readonly offsetMinutes: number
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const COLON = 0x3a
const DOT = 0x2e
const COMMA = 0x2c

/** RFC 822 zones of the American railways, in hours. */
const AMERICAN_HOURS = new Map([
  ['e', -5],
  ['c', -6],
  ['m', -7],
  ['p', -8],
])

/** A Date field. RFC 5322 section 3.3, and what Dovecot reads besides; `undefined` when it cannot be read. */
export function parseDate(value: string): SentDate | undefined {
  const lexer = new FieldLexer(value)
  lexer.skip()
  const words = new Words(lexer)
  let day = words.next()
  if (day?.length === 3) {
    if (lexer.code() !== COMMA) return undefined
    lexer.pos++
    lexer.skip()
    day = words.next()
  }
  const month = words.next()
  const year = words.next()
  const clock = readClock(words)
  if (day === undefined || !/^\d\d?$/.test(day) || month === undefined || year === undefined || clock === undefined)
    return undefined
  const seconds = secondsOf(Number(day), MONTHS.indexOf(month.slice(0, 3).toLowerCase()), yearOf(year), clock)
  if (seconds === undefined) return undefined
  const zone = words.next()
  if (words.broken) return undefined
  const offsetMinutes = zone === undefined ? 0 : zoneOffset(zone)
  return { seconds: seconds - offsetMinutes * 60, offsetMinutes }
}

/**
 * What the sender's clock showed, as seconds since 1970 there: SENTBEFORE, SENTON and SENTSINCE compare days by it. Mail whose
 * date cannot be read is from 1 January 1970, as in Dovecot.
 */
export function sentClockSeconds(date: SentDate | undefined): number {
  return date === undefined ? 0 : date.seconds + date.offsetMinutes * 60
}

/** Atoms one after the other. */
class Words {
  readonly lexer: FieldLexer
  broken = false

  constructor(lexer: FieldLexer) {
    this.lexer = lexer
  }

  next(): string | undefined {
    if (this.broken || this.lexer.ended) return undefined
    const after: Outcome = this.lexer.atom()
    const word = this.lexer.take()
    if (after === 'broken') this.broken = true
    return this.broken || word === '' ? undefined : word
  }
}

interface Clock {
  readonly hour: number
  readonly minute: number
  readonly second: number
}

/** `hh:mm[:ss]`, with dots in place of colons too. */
function readClock(words: Words): Clock | undefined {
  const hour = words.next()
  if (hour === undefined || !/^\d\d?$/.test(hour) || !skipTimeSeparator(words.lexer)) return undefined
  const minute = words.next()
  if (minute === undefined || !/^\d\d$/.test(minute)) return undefined
  if (!skipTimeSeparator(words.lexer)) return { hour: Number(hour), minute: Number(minute), second: 0 }
  const second = words.next()
  if (second === undefined || !/^\d\d$/.test(second)) return undefined
  return { hour: Number(hour), minute: Number(minute), second: Number(second) }
}

function skipTimeSeparator(lexer: FieldLexer): boolean {
  if (lexer.code() !== COLON && lexer.code() !== DOT) return false
  lexer.pos++
  lexer.skip()
  return true
}

/** Two digits are 1970 to 2069; NaN when it is no year mail can have. */
function yearOf(word: string): number {
  if (/^\d\d$/.test(word)) return Number(word) < 70 ? 2000 + Number(word) : 1900 + Number(word)
  return /^\d{4}$/.test(word) && Number(word) >= 1900 ? Number(word) : Number.NaN
}

/** `undefined` for what no calendar has. A leap second is the second before it. */
function secondsOf(day: number, month: number, year: number, { hour, minute, second }: Clock): number | undefined {
  if (month < 0 || Number.isNaN(year) || hour > 23 || minute > 59 || second > 60) return undefined
  const date = new Date(Date.UTC(year, month, day))
  if (date.getUTCDate() !== day || date.getUTCMonth() !== month) return undefined
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + Math.min(second, 59)
}

/** Minutes east of Greenwich; 0 for a zone nobody knows. RFC 5322 section 4.3. */
function zoneOffset(zone: string): number {
  const numeric = /^([+-])(\d\d)(\d\d)$/.exec(zone)
  if (numeric !== null) {
    const minutes = Number(numeric[2]) * 60 + Number(numeric[3])
    return numeric[1] === '-' && minutes > 0 ? -minutes : minutes
  }
  const lower = zone.toLowerCase()
  if (zone.length === 1) return militaryOffset(lower.charCodeAt(0) - 0x61)
  const american = zone[2] === 'T' ? AMERICAN_HOURS.get(lower[0] ?? '') : undefined
  if (zone.length !== 3 || american === undefined) return 0
  if (lower[1] === 'd') return (american + 1) * 60
  return lower[1] === 's' ? american * 60 : 0
}

/** A to M east, N to Y west, J nowhere; `letter` counts from A. */
function militaryOffset(letter: number): number {
  if (letter < 0 || letter > 24 || letter === 9) return 0
  if (letter < 9) return (letter + 1) * 60
  return letter <= 12 ? letter * 60 : (12 - letter) * 60
}
