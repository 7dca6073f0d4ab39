/** The trace header a server puts in front of a message, folded as Dovecot folds it. RFC 5321 §4.4. */

export interface Trace {
  /** What the client called itself; undefined when that is no name. */
  readonly helo: string | undefined
  readonly remoteIp: string
  readonly tls: { readonly protocol: string; readonly cipher: string; readonly bits: number } | undefined
  readonly hostname: string
  /** LMTP or ESMTP; an S is added behind TLS (RFC 3848). */
  readonly protocol: string
  readonly id: string
  /** The reverse path in brackets. */
  readonly from: string
  /** The recipient in brackets, when there is only one: others must not learn who else got it. */
  readonly recipient: string | undefined
  readonly date: Date
}

/** The header with its CRLF, latin1 held. */
export function formatReceived(trace: Trace): string {
  const { helo = 'unknown', remoteIp, tls, hostname, protocol, id, from, recipient, date } = trace
  const lines = [`Received: from ${helo}${remoteIp === '' ? '' : ` ([${remoteIp}])`}`]
  if (tls !== undefined) lines.push(`(using ${tls.protocol} with cipher ${tls.cipher} (${tls.bits}/${tls.bits} bits))`)
  lines.push(`by ${hostname} with ${protocol}${tls === undefined ? '' : 'S'}`, `id ${id}`, `(envelope-from ${from})`)
  if (recipient !== undefined) lines.push(`for ${recipient}`)
  return `${lines.join('\r\n\t')}; ${formatDate(date)}\r\n`
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Sun, 22 Nov 2026 02:17:45 +0000` in the local time zone. RFC 5322 §3.3. */
export function formatDate(date: Date): string {
  const offset = -date.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return `${DAYS[date.getDay()]}, ${two(date.getDate())} ${MONTHS[date.getMonth()]} ${date.getFullYear()} ${time} ${zone}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
