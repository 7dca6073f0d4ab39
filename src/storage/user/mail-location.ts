import type { MailLocation } from '../formats/format.ts'
import { IMAPC } from '../formats/imapc.ts'

/** A location that cannot be. The message is Dovecot's. */
export class MailLocationError extends Error {
  override readonly name = 'MailLocationError'
}

/** What a location is completed with. */
export interface LocationPlace {
  /** Home directory of the user; `undefined` when nobody knows. */
  readonly home: string | undefined
  /** Formats there are. */
  readonly formats: ReadonlySet<string>
  /** Home directory of a system user, for `~name/`. */
  systemHome(name: string): string | undefined
  isDirectory(path: string): boolean
}

/** Keys of mail_location, and whether they take a value. */
const KEYS: ReadonlyMap<string, 'path' | 'text' | 'flag'> = new Map([
  ['INBOX', 'path'],
  ['INDEX', 'path'],
  ['INDEXPVT', 'path'],
  ['INDEXCACHE', 'path'],
  ['CONTROL', 'path'],
  ['ALT', 'path'],
  ['VOLATILEDIR', 'path'],
  ['LAYOUT', 'text'],
  ['SUBSCRIPTIONS', 'text'],
  ['DIRNAME', 'text'],
  ['FULLDIRNAME', 'text'],
  ['MAILBOXDIR', 'text'],
  ['LISTINDEX', 'text'],
  ['BROKENCHAR', 'text'],
  ['UTF-8', 'flag'],
  ['ITERINDEX', 'flag'],
  ['NO-NOSELECT', 'flag'],
  ['NO-FS-VALIDATION', 'flag'],
  ['ALTNOCHECK', 'flag'],
])

const LAYOUTS: ReadonlyMap<string, string> = new Map([
  ['maildir++', 'maildir++'],
  ['fs', 'fs'],
  ['index', 'index'],
])

/** Reads `format:path:KEY=value:...`, variables filled in already. An empty text, or one without format, is looked for on disk. */
export function parseMailLocation(text: string, place: LocationPlace): MailLocation {
  const [first = '', ...rest] = splitColons(text)
  if (text === '') return detect(place)
  const format = first.toLowerCase()
  const named = text.length > first.length && /^[a-z0-9]+$/.test(format)
  if (!named || format === 'auto') return withoutFormat(text, named ? rest : [first, ...rest], place)
  if (!place.formats.has(format)) throw new MailLocationError(`Unknown mail storage driver ${first}`)
  const [path = '', ...keys] = rest
  if (format === IMAPC) return elsewhere(path, keys, place)
  if (path === '') throw new MailLocationError('Root mail directory not given')
  return complete(format, path, keys, place)
}

/** Nothing of that mail is kept here: a directory may be named, and is not used. */
function elsewhere(path: string, keys: readonly string[], place: LocationPlace): MailLocation {
  return complete(IMAPC, path === '' ? '/' : path, keys, { ...place, home: place.home ?? '/' })
}

/** `::` is a colon. */
function splitColons(text: string): string[] {
  return text
    .replaceAll('::', '\0')
    .split(':')
    .map((part) => part.replaceAll('\0', ':'))
}

function detect(place: LocationPlace): MailLocation {
  const { home } = place
  if (home !== undefined && place.isDirectory(`${home}/Maildir/cur`)) return complete('maildir', '~/Maildir', [], place)
  const where = home === undefined ? 'home not set' : `home=${home}`
  throw new MailLocationError(
    `mail_location not set and autodetection failed: Mail storage autodetection failed with ${where}`,
  )
}

function withoutFormat(text: string, [path = '', ...keys]: readonly string[], place: LocationPlace): MailLocation {
  if (path !== '' && place.isDirectory(`${expandPath(path, 'root', place)}/cur`)) {
    return complete('maildir', path, keys, place)
  }
  if (text.startsWith('auto:')) {
    throw new MailLocationError(`Autodetection failed for ${text} (home=${place.home ?? ''})`)
  }
  const hint = '(try prefixing it with mbox: or maildir:)'
  throw new MailLocationError(`Ambiguous mail location setting, don't know what to do with it: ${text} ${hint}`)
}

function complete(format: string, path: string, keys: readonly string[], place: LocationPlace): MailLocation {
  const options = readKeys(keys)
  const layout = layoutOf(options.get('LAYOUT'), format)
  const pathOf = (key: string): string | undefined => {
    const value = options.get(key)
    return value === undefined || value === '' || value === 'MEMORY'
      ? undefined
      : expandPath(value, key.toLowerCase(), place)
  }
  if (options.has('ITERINDEX') && !options.has('INDEX')) {
    throw new MailLocationError('ITERINDEX requires INDEX to be explicitly set')
  }
  return {
    format,
    path: expandPath(path, 'root', place),
    layout,
    inboxPath: pathOf('INBOX'),
    indexPath: pathOf('INDEX'),
    indexPrivatePath: pathOf('INDEXPVT'),
    controlPath: pathOf('CONTROL'),
    options,
  }
}

function readKeys(keys: readonly string[]): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  for (const part of keys) {
    const equals = part.indexOf('=')
    const key = equals < 0 ? part : part.slice(0, equals)
    const kind = KEYS.get(key)
    if (part === '') continue
    if (kind === undefined || (kind === 'flag' && equals >= 0)) throw new MailLocationError(`Unknown setting: ${key}`)
    const value = equals < 0 ? '' : part.slice(equals + 1)
    if (key === 'BROKENCHAR' && value.length !== 1) {
      throw new MailLocationError('BROKENCHAR value must be a single character')
    }
    options.set(key, value)
  }
  return options
}

function layoutOf(written: string | undefined, format: string): string {
  if (written === undefined) return format === 'maildir' ? 'maildir++' : 'fs'
  const layout = LAYOUTS.get(written.toLowerCase())
  if (layout === undefined) throw new MailLocationError(`Mailbox list driver ${written}: Unknown driver name`)
  return layout
}

/** An absolute path without a slash at its end: `~/` and relative paths lie in the home directory. */
export function expandPath(path: string, what: string, place: Pick<LocationPlace, 'home' | 'systemHome'>): string {
  const cut = (full: string): string => full.replace(/(?<=.)\/+$/, '')
  if (path.startsWith('/')) return cut(path)
  const tilde = /^~([^/]*)(?:\/|$)/.exec(path)
  const name = tilde?.[1] ?? ''
  const home = name === '' ? place.home : place.systemHome(name)
  if (home === undefined) throw new MailLocationError(whyNoHome(path, what, name, tilde !== null))
  return cut(`${home}/${path.slice(tilde?.[0].length ?? 0)}`)
}

function whyNoHome(path: string, what: string, name: string, tilde: boolean): string {
  const dir = `mail ${what} dir in: ${path}`
  if (name !== '') return `No home directory for system user. Can't expand ~${name} for ${dir}`
  return tilde
    ? `Home directory not set for user. Can't expand ~/ for ${dir}`
    : `Home directory not set for user. Can't expand relative path for ${dir}`
}
