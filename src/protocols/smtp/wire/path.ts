/**
 * Paths of MAIL and RCPT: `<local@domain>`, quoted local parts, address literals, source routes (read and forgotten), the null
 * path. RFC 5321 §4.1.2, non-ASCII as RFC 6531 §3.3 has it. Text is latin1-held bytes.
 */

export interface Address {
  /** Without quotes and backslashes. */
  readonly localPart: string
  /** Absent for a bare local part such as `postmaster`. */
  readonly domain: string | undefined
}

export interface PathOptions {
  /** Bytes above 127 may stand in the address. */
  readonly eightBit: boolean
  /** `lmtp_client_workarounds = whitespace-before-path`. */
  readonly spaceBefore: boolean
  /** `lmtp_client_workarounds = mailbox-for-path`. */
  readonly withoutBrackets: boolean
}

export type ParsedPath =
  /** No address is the null path `<>`. `rest` is what follows the path: nothing, or a blank and parameters. */
  | { readonly ok: true; readonly address: Address | undefined; readonly rest: string }
  /** In Dovecot's words, for a 501. */
  | { readonly ok: false; readonly error: string }

/** Reads the path that stands at the start of `text`. */
export function parsePath(text: string, options: PathOptions): ParsedPath {
  let start = 0
  if (options.spaceBefore) while (text[start] === ' ' || text[start] === '\t') start++
  if (start === text.length) return failed('Path is empty string')
  if (text[start] === ' ' || text[start] === '\t') return failed('Unexpected whitespace before path')
  if (text[start] === '<') return readPath(new Reader(text, start + 1), true, options)
  return options.withoutBrackets
    ? readPath(new Reader(text, start), false, options)
    : failed("Missing '<' at beginning of path")
}

/**
 * A path in brackets that `parsePath` cannot read, as it stands: senders may be called anything (`<a@b@c>`, `<a,b@c>`), and
 * whoever refuses their mail bounces it. Undefined when not even its end can be told.
 */
export function parseOddPath(text: string): { readonly path: string; readonly rest: string } | undefined {
  const [path, inner = ''] = ODD_PATH.exec(text) ?? []
  return path === undefined || OPEN_QUOTE.test(inner) ? undefined : { path, rest: text.slice(path.length) }
}

const ODD_PATH = /^<([\x21-\x3d\x3f-\x7e\x80-\xff]+)>(?= |$)/
const OPEN_QUOTE = /^"(?:[^"\\]|\\.)*$/

/** `local@domain` without brackets, the local part quoted where it must be. */
export function formatAddress({ localPart, domain }: Address): string {
  const local = DOT_STRING.test(localPart) ? localPart : `"${localPart.replace(/["\\]/g, '\\$&')}"`
  return domain === undefined ? local : `${local}@${domain}`
}

/** `<local@domain>`, or `<>`. */
export function formatPath(address: Address | undefined): string {
  return address === undefined ? '<>' : `<${formatAddress(address)}>`
}

/** `local@domain` or `local` as a database has it: unquoted, cut at the last `@`. Undefined when it can be no address. */
export function addressFromName(name: string): Address | undefined {
  const at = name.lastIndexOf('@')
  const localPart = at < 0 ? name : name.slice(0, at)
  const domain = at < 0 ? undefined : name.slice(at + 1)
  if (localPart === '' || /[\x00-\x1f\x7f]/.test(localPart)) return undefined
  return domain === undefined || DOMAIN.test(domain) ? { localPart, domain } : undefined
}

const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\x80-\\xff-]+"
const DOT_STRING = new RegExp(`^${ATOM}(?:\\.${ATOM})*$`)
const DOMAIN =
  /^(?:[A-Za-z0-9_\x80-\xff](?:[A-Za-z0-9_.\x80-\xff-]*[A-Za-z0-9_\x80-\xff])?\.?|\[[\x21-\x5a\x5e-\x7e]+\])$/

/** Sticky patterns, each for what may stand at the reader's position. */
const TOKENS = {
  // Dots in odd places are written by real senders, and every server takes them.
  localPart: /[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\xff-]+/y,
  quoted: /"((?:[\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\x20-\x7e\x80-\xff])*)"/y,
  domain: /\[[\x21-\x5a\x5e-\x7e]+\]|[A-Za-z0-9_.\x80-\xff-]+/y,
  route: /@[A-Za-z0-9_.-]+(?:,@[A-Za-z0-9_.-]+)*:/y,
} as const

class Reader {
  readonly text: string
  at: number

  constructor(text: string, at: number) {
    this.text = text
    this.at = at
  }

  get next(): string | undefined {
    return this.text[this.at]
  }

  take(token: keyof typeof TOKENS): RegExpExecArray | undefined {
    const pattern = TOKENS[token]
    pattern.lastIndex = this.at
    const match = pattern.exec(this.text)
    if (match === null) return undefined
    this.at += match[0].length
    return match
  }
}

function readPath(reader: Reader, bracketed: boolean, { eightBit }: PathOptions): ParsedPath {
  if (bracketed && reader.next === '>') return finish(reader, 1, undefined)
  reader.take('route')
  const localPart = readLocalPart(reader)
  let domain: string | undefined
  if (reader.next === '@') {
    reader.at++
    domain = reader.take('domain')?.[0]
    if (domain === undefined) return failed('Invalid domain: Empty domain name')
    if (!DOMAIN.test(domain)) return failed('Invalid domain: Invalid character')
  }
  if (!eightBit && /[\x80-\xff]/.test(localPart ?? '')) return failed('Invalid character in localpart')
  if (!eightBit && /[\x80-\xff]/.test(domain ?? '')) return failed('Invalid domain: Invalid character')
  if (bracketed && reader.next !== '>') {
    // Dovecot's words differ between MAIL and RCPT.
    const isLocalPart = eightBit && domain === undefined && reader.next !== undefined
    return failed(isLocalPart ? 'Invalid character in localpart' : "Missing '>' at end of path")
  }
  if (localPart === undefined || localPart === '') return failed('Invalid character in localpart')
  return finish(reader, bracketed ? 1 : 0, { localPart, domain })
}

function readLocalPart(reader: Reader): string | undefined {
  const quoted = reader.take('quoted')?.[1]
  return quoted === undefined ? reader.take('localPart')?.[0] : quoted.replace(/\\(.)/g, '$1')
}

function finish(reader: Reader, skip: number, address: Address | undefined): ParsedPath {
  const rest = reader.text.slice(reader.at + skip)
  return rest === '' || rest.startsWith(' ') ? { ok: true, address, rest } : failed('Invalid character in path')
}

function failed(error: string): ParsedPath {
  return { ok: false, error }
}
