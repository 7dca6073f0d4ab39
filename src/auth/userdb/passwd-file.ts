import { ExpandError } from '../../config/expand.ts'
import { compileLate, type DatabaseField } from '../field-template.ts'
import { escapeQuotes } from '../passdb/passwd-file.ts'
import { DatabaseConfigError } from '../passdb/passdb.ts'
import { parseUserdbArgs, type PasswdEntry, type PasswdLookup } from '../passwd-file.ts'
import type { UserdbDriver, UserdbReply, UserdbRequest } from './userdb.ts'

/** `passwd-file`: uid, gid, home and `userdb_` fields of a text file. */
export const passwdFileUserdb = {
  name: 'passwd-file',
  open(text, needs) {
    const args = parseUserdbArgs(text)
    if (typeof args === 'string') throw new DatabaseConfigError(`userdb passwd-file: ${args}`)
    const files = needs.passwdFiles.open(args.path, 'userdb')
    const format = compileLate(args.usernameFormat)
    return {
      lookup(request) {
        try {
          const user = format.expand(request.lookup, escapeQuotes)
          const found = files.lookup(user, request.lookup)
          return found instanceof Promise ? found.then((late) => reply(late, request)) : reply(found, request)
        } catch (error) {
          if (!(error instanceof ExpandError)) throw error
          const log = `Failed to expand username_format=${args.usernameFormat}: ${error.message}`
          return { kind: 'internal-failure', log }
        }
      },
      async *iterate() {
        const users = await files.users(true)
        if (users === undefined)
          throw new Error("passwd-file: User iteration isn't currently supported with %variable paths")
        yield* users
      },
      async warm() {
        const fault = await files.refresh()
        if (fault !== undefined) needs.log('error', `passwd-file ${args.path}:${fault}`)
      },
      check: () => files.refresh(),
      close: () => Promise.resolve(),
    }
  },
} as const satisfies UserdbDriver

function reply(found: PasswdLookup, request: UserdbRequest): UserdbReply {
  switch (found.kind) {
    case 'found': {
      const fields = userdbFields(found.entry)
      return fields === undefined ? { kind: 'unknown' } : { kind: 'found', fields }
    }
    case 'unknown':
      request.logUnknownUser()
      return { kind: 'unknown' }
    case 'missing':
      request.logDatabase('info', `missing passwd file: ${found.path}`)
      return { kind: 'unknown' }
    default:
      return { kind: 'internal-failure', log: found.error }
  }
}

const known = new WeakMap<PasswdEntry, readonly DatabaseField[]>()

/** `undefined`: the line is for passdbs only. Both ids must be there; empty ones are left to default_fields. */
function userdbFields(entry: PasswdEntry): readonly DatabaseField[] | undefined {
  const { uid, gid, home = '', from } = entry
  if (uid === undefined || gid === undefined) return undefined
  let fields = known.get(entry)
  if (fields === undefined) {
    const own = Object.entries({ uid, gid, home }).filter(([, value]) => value !== '')
    fields = [
      ...own.map(([name, value]) => ({ name, value, from })),
      ...entry.userdbFields.map((field) => ({ ...field, name: field.name.slice('userdb_'.length) })),
    ]
    known.set(entry, fields)
  }
  return fields
}
