/** `strftime(3)` for `log_timestamp`, compiled once; local time, C locale. Unknown conversions are kept as they stand. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const

type Part = (at: Date) => string

const CONVERSIONS = new Map<string, Part>([
  ['%', () => '%'],
  ['n', () => '\n'],
  ['t', () => '\t'],
  ['Y', (at) => String(at.getFullYear())],
  ['y', (at) => two(at.getFullYear() % 100)],
  ['m', (at) => two(at.getMonth() + 1)],
  ['b', (at) => MONTHS[at.getMonth()] ?? ''],
  ['h', (at) => MONTHS[at.getMonth()] ?? ''],
  ['a', (at) => DAYS[at.getDay()] ?? ''],
  ['d', (at) => two(at.getDate())],
  ['e', (at) => String(at.getDate()).padStart(2, ' ')],
  ['H', (at) => two(at.getHours())],
  ['M', (at) => two(at.getMinutes())],
  ['S', (at) => two(at.getSeconds())],
  ['s', (at) => String(Math.floor(at.getTime() / 1000))],
  ['j', (at) => String(dayOfYear(at)).padStart(3, '0')],
  ['z', zone],
])

const COMPOSED = new Map([
  ['T', '%H:%M:%S'],
  ['R', '%H:%M'],
  ['F', '%Y-%m-%d'],
  ['D', '%m/%d/%y'],
])

/** Compiles a format; the result turns a time into text. */
export function compileStrftime(format: string): (at: Date) => string {
  const parts: (string | Part)[] = []
  const text = format.replace(/%([TRFD])/g, (whole, letter: string) => COMPOSED.get(letter) ?? whole)
  for (const piece of text.split(/(%.)/s)) {
    if (piece === '') continue
    parts.push(piece.startsWith('%') ? (CONVERSIONS.get(piece[1] ?? '') ?? piece) : piece)
  }
  return (at) => {
    let out = ''
    for (const part of parts) out += typeof part === 'string' ? part : part(at)
    return out
  }
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}

function dayOfYear(at: Date): number {
  return (
    Math.round(
      (Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) - Date.UTC(at.getFullYear(), 0, 1)) / 86_400_000,
    ) + 1
  )
}

function zone(at: Date): string {
  const minutes = -at.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
}
