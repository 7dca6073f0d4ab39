/** date-time and date of RFC 3501 §9. */

/** `"01-Feb-2020 10:11:12 +0100"` (a day may begin with a blank, or have one digit) as milliseconds since 1970; `undefined` when it is none. */
export function parseDateTime(text: string): number | undefined {
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const [
    ,
    day = '',
    month = '',
    year = '',
    hour = '',
    minute = '',
    second = '',
    sign = '',
    zoneHours = '',
    zoneMinutes = '',
  ] = match
  const date = dayOf(day, month, year)
  if (date === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === '-' ? -1 : 1)
  // No clock here shows a leap second.
  return date + ((Number(hour) * 60 + Number(minute) - offset) * 60 + Math.min(Number(second), 59)) * 1000
}

/** The same moment on the clock of this machine: `01-Feb-2020 09:11:12 +0000`. */
export function writeDateTime(ms: number): string {
  const date = new Date(ms)
  const offset = -date.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`
  const day = `${two(date.getDate())}-${MONTHS[date.getMonth()]}-${String(date.getFullYear()).padStart(4, '0')}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`
}

/**
 * date = `1-Feb-1994` as the number of the day since 1970; `undefined` when it is none. Dovecot counts on: 30-Feb is in March.
 */
export function parseDay(text: string): number | undefined {
  const [, day = '', month = '', year = ''] = DAY.exec(text) ?? []
  const index = monthOf(month)
  return index < 0 ? undefined : Date.UTC(Number(year), index, Number(day)) / DAY_MS
}

export const DAY_MS = 86_400_000

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DATE_TIME = /^([ \d]?\d)-([a-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/i
const DAY = /^(\d\d?)-([a-z]{3})-(\d{4})$/i

function dayOf(day: string, month: string, year: string): number | undefined {
  const index = monthOf(month)
  const number = Number(day)
  if (index < 0 || number < 1 || number > 31) return undefined
  const ms = Date.UTC(Number(year), index, number)
  return new Date(ms).getUTCDate() === number ? ms : undefined
}

function monthOf(name: string): number {
  return MONTHS.findIndex((month) => month.toLowerCase() === name.toLowerCase())
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
