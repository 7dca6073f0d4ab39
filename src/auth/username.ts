// What happens to a user name before any database sees it: default realm, translation, allowed characters, format.
import { compileTemplate, ExpandError, type Template, type VariableLookup } from '../config/expand.ts'
import { sanitize } from './log-text.ts'

export interface UsernameSettings {
  readonly auth_default_realm: string
  readonly auth_username_translation: string
  readonly auth_username_chars: string
  readonly auth_username_format: string
}

export interface UsernameRules {
  readonly defaultRealm: string
  /** A byte for each byte; 0 is "as it is". */
  readonly translation: Uint8Array | undefined
  /** 1 for each allowed byte; `undefined` allows all. */
  readonly allowed: Uint8Array | undefined
  /** `undefined` changes nothing. */
  readonly format: Template | undefined
  /** The format is `%Lu`: lower case, nothing else. */
  readonly lowercase: boolean
  readonly formatText: string
}

export type FixedUsername =
  | { readonly ok: true; readonly user: string }
  | { readonly ok: false; readonly fault: NameFault }

/** Why a name will not do: the client's fault, or (an error) that of the settings. */
export interface NameFault {
  readonly level: 'info' | 'error'
  readonly text: string
}

/** Names longer than this are refused; no database has them. */
export const MAX_USERNAME_BYTES = 8192

/** Throws ExpandError for a format that cannot be. */
export function compileUsernameRules(settings: UsernameSettings): UsernameRules {
  const formatText = settings.auth_username_format
  return {
    defaultRealm: settings.auth_default_realm,
    translation: translationTable(settings.auth_username_translation),
    allowed: settings.auth_username_chars === '' ? undefined : byteSet(settings.auth_username_chars),
    format: formatText === '' ? undefined : compileTemplate(formatText),
    lowercase: formatText === '%Lu',
    formatText,
  }
}

/** Applies the rules to a name as the client gave it. `lookup` serves the other variables of auth_username_format. */
export function fixUsername(name: string, rules: UsernameRules, lookup: VariableLookup): FixedUsername {
  const withRealm = rules.defaultRealm !== '' && !name.includes('@') ? `${name}@${rules.defaultRealm}` : name
  if (withRealm.length > MAX_USERNAME_BYTES) return refused('Username is too long')
  const bytes = checkBytes(withRealm, rules)
  if (typeof bytes !== 'string') {
    const hex = bytes.disallowed.toString(16).padStart(2, '0')
    const text = `Username character disallowed by auth_username_chars: 0x${hex} (username: ${sanitize(name, 128)})`
    return refused(text)
  }
  return formatted(bytes, rules, lookup)
}

function formatted(user: string, rules: UsernameRules, lookup: VariableLookup): FixedUsername {
  if (rules.format === undefined) return nonEmpty(user)
  // Only ASCII letters have a lower case here, as in Dovecot.
  if (rules.lowercase)
    return nonEmpty(/[A-Z]/.test(user) ? user.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : user)
  try {
    return nonEmpty(rules.format.expand((variable) => userVariable(variable, user) ?? lookup(variable)))
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error
    const text = `Failed to expand username_format=${rules.formatText}: ${error.message}`
    return { ok: false, fault: { level: 'error', text } }
  }
}

function nonEmpty(user: string): FixedUsername {
  return user === '' ? refused('Empty username') : { ok: true, user }
}

function refused(text: string): FixedUsername {
  return { ok: false, fault: { level: 'info', text } }
}

/** The variables that are parts of a user name; `undefined` for all others. */
export function userVariable(variable: string, user: string): string | undefined {
  const at = user.indexOf('@')
  switch (variable) {
    case 'user':
      return user
    case 'username':
      return at < 0 ? user : user.slice(0, at)
    case 'domain':
      return at < 0 ? '' : user.slice(at + 1)
    case 'domain_first':
      return at < 0 ? '' : (user.slice(at + 1).split('@', 1)[0] ?? '')
    case 'domain_last':
      return at < 0 ? '' : user.slice(user.lastIndexOf('@') + 1)
    default:
      return undefined
  }
}

/** Translates and checks byte by byte, in one pass. */
function checkBytes(name: string, rules: UsernameRules): string | { readonly disallowed: number } {
  const { translation, allowed } = rules
  const isAscii = !/[^\x00-\x7f]/.test(name)
  const source = isAscii ? name : Buffer.from(name, 'utf8').toString('latin1')
  let translated = translation === undefined ? source : ''
  for (let i = 0; i < source.length; i++) {
    const byte = translation?.[source.charCodeAt(i)] || source.charCodeAt(i)
    // A NUL ends a name in every database; none may hold one, whatever the setting.
    if (byte === 0 || allowed?.[byte] === 0) return { disallowed: byte }
    if (translation !== undefined) translated += String.fromCharCode(byte)
  }
  return isAscii && !/[^\x00-\x7f]/.test(translated) ? translated : Buffer.from(translated, 'latin1').toString('utf8')
}

function translationTable(pairs: string): Uint8Array | undefined {
  const bytes = Buffer.from(pairs, 'utf8')
  if (bytes.length < 2) return undefined
  const table = new Uint8Array(256)
  for (let i = 0; i + 1 < bytes.length; i += 2) table[bytes[i] ?? 0] = bytes[i + 1] ?? 0
  return table
}

function byteSet(chars: string): Uint8Array {
  const set = new Uint8Array(256)
  for (const byte of Buffer.from(chars, 'utf8')) set[byte] = 1
  return set
}
