import { StoreRefusal } from './refusal.ts'

/** Dovecot's MAILBOX_LIST_NAME_MAX_LENGTH: bytes of a name. */
export const MAX_NAME_BYTES = 4096
/** Bytes of one level: what a file system takes. */
export const MAX_LEVEL_BYTES = 255

/** What decides which names can be. */
export interface NameRules {
  /** The namespace's separator. */
  readonly separator: string
  /** The layout's own: `.` for Maildir++, `/` otherwise. */
  readonly layoutSeparator: string
  /** Levels that are directories of the format: `cur`, `new`, `tmp` with LAYOUT=fs. */
  readonly reserved: ReadonlySet<string>
}

/**
 * The storage name (levels joined with `/`) of a name without its namespace prefix. Refuses what cannot be a name, in
 * Dovecot's words; such a name never reaches a format.
 */
export function storageName(name: string, rules: NameRules): string {
  const { separator, layoutSeparator } = rules
  if (!name.isWellFormed() || name.includes('\0')) {
    throw new StoreRefusal('invalid-name', 'Mailbox name is not valid UTF-8')
  }
  // What separates levels on disk, but not in names, would make levels nobody asked for.
  if (separator !== layoutSeparator && name.includes(layoutSeparator)) {
    throw new StoreRefusal('invalid-name', `Character not allowed in mailbox name: '${layoutSeparator}'`)
  }
  const levels = name.split(separator)
  const why = whyInvalid(name, levels, rules)
  if (why !== undefined) throw new StoreRefusal('invalid-name', `Invalid mailbox name: ${why}`)
  if (Buffer.byteLength(name) > MAX_NAME_BYTES || levels.some((level) => Buffer.byteLength(level) > MAX_LEVEL_BYTES)) {
    throw new StoreRefusal('invalid-name', 'Mailbox name too long')
  }
  return levels.join('/')
}

/** Refuses names for new mailboxes that old ones may have. */
export function checkNewName(name: string): void {
  for (let at = 0; at < name.length; at += 1) {
    if (name.charCodeAt(at) >= 0x20) continue
    throw new StoreRefusal('invalid-name', 'Control characters not allowed in new mailbox names')
  }
}

/** In the order in which Dovecot looks. */
function whyInvalid(name: string, levels: readonly string[], { separator, reserved }: NameRules): string | undefined {
  if (name === '') return 'Name is empty'
  if (name.startsWith(separator)) return 'Begins with hierarchy separator'
  if (name.endsWith(separator)) return 'Ends with hierarchy separator'
  if (levels.includes('')) return 'Has adjacent hierarchy separators'
  if (separator !== '/' && name.includes('/')) return "Name must not have '/' characters"
  if (name.startsWith('~')) return "Begins with '~'"
  if (levels.includes('.')) return "Contains '.' part"
  if (levels.includes('..')) return "Contains '..' part"
  if (levels.some((level) => reserved.has(level))) return 'Contains reserved name'
  return undefined
}
