const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DATE_TIME = /^([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/

/**
 * A date-time without its quotes, as APPEND gives it: `17-Jul-1996 02:44:25 -0700`. Milliseconds since 1970; `undefined` when
 * it is none, or no such moment exists. RFC 3501 section 9.
 */
export function parseInternalDate(text: string): number | undefined {
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const [, day = '', monthName = '', year = '', hour = '', minute = '', second = '', sign, zoneHour, zoneMinute] = match
  const month = MONTHS.findIndex((name) => name.toLowerCase() === monthName.toLowerCase())
  const midnight = new Date(Date.UTC(Number(year), month, Number(day)))
  const exists = month !== -1 && midnight.getUTCDate() === Number(day) && midnight.getUTCMonth() === month
  if (!exists || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  const offsetMinutes = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === '-' ? -1 : 1)
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Math.min(Number(second), 59) - offsetMinutes * 60
  return midnight.getTime() + seconds * 1000
}

/** A moment as INTERNALDATE shows it, without quotes, on the clock of a zone (minutes east of Greenwich; this machine's). */
export function formatInternalDate(ms: number, offsetMinutes = -new Date(ms).getTimezoneOffset()): string {
  const clock = new Date(ms + offsetMinutes * 60_000)
  const day = `${two(clock.getUTCDate())}-${MONTHS[clock.getUTCMonth()]}-${String(clock.getUTCFullYear()).padStart(4, '0')}`
  const time = [clock.getUTCHours(), clock.getUTCMinutes(), clock.getUTCSeconds()].map(two).join(':')
  const zone = Math.abs(offsetMinutes)
  return `${day} ${time} ${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(zone / 60))}${two(zone % 60)}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
