import { ExpandError } from '../../config/expand.ts'
import { compileLate, type DatabaseField } from '../field-template.ts'
import { parsePassdbArgs, type PasswdEntry, type PasswdFiles, type PasswdLookup } from '../passwd-file.ts'
import { DatabaseConfigError, type DatabaseRequest, type PassdbDriver, type PassdbReply } from './passdb.ts'

/** `passwd-file`: users, hashes and extra fields in a text file. */
export const passwdFilePassdb = {
  name: 'passwd-file',
  open(text, needs) {
    const args = parsePassdbArgs(text)
    if (typeof args === 'string') throw new DatabaseConfigError(`passdb passwd-file: ${args}`)
    const files = needs.passwdFiles.open(args.path, 'passdb')
    const format = compileLate(args.usernameFormat)
    const isWhole = args.usernameFormat === '%u'
    return {
      defaultScheme: args.scheme,
      lookup(request) {
        try {
          const user = isWhole ? escapeQuotes(request.user) : format.expand(request.lookup, escapeQuotes)
          if (request.isDebug) request.logDatabase('debug', `lookup: user=${user} file=${shownPath(files, request)}`)
          const found = files.lookup(user, request.lookup)
          return found instanceof Promise ? found.then((late) => reply(late, request)) : reply(found, request)
        } catch (error) {
          if (!(error instanceof ExpandError)) throw error
          const log = `Failed to expand username_format=${args.usernameFormat}: ${error.message}`
          return { kind: 'internal-failure', log }
        }
      },
      async warm() {
        const fault = await files.refresh()
        if (fault !== undefined) needs.log('error', `passwd-file ${args.path}:${fault}`)
      },
      check: () => files.refresh(),
      close: () => Promise.resolve(),
    }
  },
} as const satisfies PassdbDriver

/** What a lookup in a passwd-file says to a passdb. */
function reply(found: PasswdLookup, request: DatabaseRequest): PassdbReply {
  switch (found.kind) {
    case 'found':
      return { kind: 'found', fields: passdbFields(found.entry) }
    case 'unknown':
      request.logUnknownUser()
      return { kind: 'unknown' }
    case 'missing':
      // Dovecot: a file that is not there has no users; a deny list need not exist.
      request.logDatabase('info', `missing passwd file: ${found.path}`)
      return { kind: 'unknown' }
    default:
      return { kind: 'internal-failure', log: found.error }
  }
}

const known = new WeakMap<PasswdEntry, readonly DatabaseField[]>()

/** A line without a password has an empty one, which no scheme but PLAIN matches. */
function passdbFields(entry: PasswdEntry): readonly DatabaseField[] {
  let fields = known.get(entry)
  if (fields === undefined) {
    const password = { name: 'password', value: entry.password ?? '', from: entry.from }
    fields = [password, ...entry.passdbFields, ...entry.userdbFields]
    known.set(entry, fields)
  }
  return fields
}

function shownPath(files: PasswdFiles, request: DatabaseRequest): string {
  const path = files.pathFor(request.lookup)
  return typeof path === 'string' ? path : ''
}

/** In the file, Dovecot looks for names with their quotes and backslashes escaped. */
export function escapeQuotes(value: string): string {
  return /[\\'"]/.test(value) ? value.replace(/[\\'"]/g, '\\$&') : value
}
