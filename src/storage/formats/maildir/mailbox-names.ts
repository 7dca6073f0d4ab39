import { decodeMutf7, encodeMutf7 } from '../../../util/mutf7.ts'
import { StoreRefusal } from '../../refusal.ts'
import type { FormatContext, MailLocation } from '../format.ts'

/** Longest name of a directory, in bytes. */
const MAX_LEVEL_BYTES = 255
/** Dovecot's MAILDIR_MAX_CREATE_MAILBOX_NAME_LENGTH: room for what is made inside. */
const MAX_NAME_BYTES = 4096 - 100

/** Storage names (Unicode, `/`) and names in the file system. */
export interface MailboxNames {
  /** One level as it is written; refuses a level that cannot be. */
  readonly encodeLevel: (level: string) => string
  /** `undefined` when it stands for no name. */
  readonly decodeLevel: (text: string) => string | undefined
  /** The levels of a name, encoded. Refuses names that could lead anywhere but into the mail directory. */
  readonly levels: (name: string) => string[]
  /** A name as the user writes it, for texts. */
  readonly shown: (name: string) => string
}

/** How names are written below this location: mUTF-7, or with the key `UTF-8` as they are. `forbidden`: the layout's own. */
export function namesOf(location: MailLocation, context: FormatContext, forbidden: readonly string[]): MailboxNames {
  const utf8 = location.options.has('UTF-8')
  const names: MailboxNames = {
    encodeLevel(level) {
      const encoded = utf8 ? wellFormed(level) : encodeMutf7(level)
      return encoded ?? refuse('Mailbox name is not valid mUTF-7')
    },
    decodeLevel(text) {
      const name = utf8 ? wellFormed(text) : decodeMutf7(text)
      // One name must not have two spellings, or its mailbox would be listed but not found.
      return name !== undefined && name !== '' && (utf8 || encodeMutf7(name) === text) ? name : undefined
    },
    levels(name) {
      // mUTF-7 could write it, but nobody reads it.
      if (name.includes('\0')) refuse('Mailbox name is not valid mUTF-7')
      const levels = name.split('/').map((level) => checked(names.encodeLevel(level), forbidden))
      if (name.startsWith('~')) refuse("Invalid mailbox name: Begins with '~'")
      if (levels.join('.').length > MAX_NAME_BYTES) refuse('Mailbox name too long')
      return levels
    },
    shown: (name) => name.replaceAll('/', context.separator),
  }
  return names
}

function checked(level: string, forbidden: readonly string[]): string {
  if (level === '') refuse('Invalid mailbox name: Has adjacent hierarchy separators')
  if (level === '.' || level === '..') refuse("Invalid mailbox name: Contains '.' or '..' part")
  const bad = ['/', ...forbidden].find((char) => level.includes(char))
  if (bad !== undefined) refuse(`Character not allowed in mailbox name: '${bad}'`)
  if (Buffer.byteLength(level) > MAX_LEVEL_BYTES) refuse('Mailbox name too long')
  return level
}

function wellFormed(text: string): string | undefined {
  return text.isWellFormed() && !text.includes('\uFFFD') ? text : undefined
}

function refuse(text: string): never {
  throw new StoreRefusal('invalid-name', text)
}
