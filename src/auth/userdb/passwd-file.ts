import { ExpandError } from '../../config/expand.ts'
import { compileLate, type DatabaseField } from '../field-template.ts'
import { escapeQuotes } from '../passdb/passwd-file.ts'
import { DatabaseConfigError, type DatabaseNeeds } from '../passdb/passdb.ts'
import { parseUserdbArgs, PasswdFiles, type PasswdEntry, type PasswdLookup } from '../passwd-file.ts'
import { parseId } from '../userdb-field.ts'
import type { UserdbDriver, UserdbReply, UserdbRequest } from './userdb.ts'

/** `passwd-file`: uid, gid, home and `userdb_` fields of a text file. */
export const passwdFileUserdb = {
  name: 'passwd-file',
  open(text, needs) {
    const args = parseUserdbArgs(text)
    if (typeof args === 'string') throw new DatabaseConfigError(`userdb passwd-file: ${args}`)
    const files = new PasswdFiles(args.path, needs)
    const format = compileLate(args.usernameFormat)
    return {
      lookup(request) {
        try {
          const user = format.expand(request.lookup, escapeQuotes)
          const found = files.lookup(user, request.lookup)
          return found instanceof Promise ? found.then((late) => reply(late, user, args.path, request, needs)) : reply(found, user, args.path, request, needs)
        } catch (error) {
          if (!(error instanceof ExpandError)) throw error
          const log = `Failed to expand username_format=${args.usernameFormat}: ${error.message}`
          return { kind: 'internal-failure', log }
        }
      },
      async *iterate() {
        const users = await files.users(true)
        if (users === undefined) throw new Error("passwd-file: User iteration isn't currently supported with %variable paths")
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

function reply(found: PasswdLookup, user: string, path: string, request: UserdbRequest, needs: DatabaseNeeds): UserdbReply {
  switch (found.kind) {
    case 'found': {
      const fields = userdbFields(found.entry, user, path, needs)
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

const known = new WeakMap<PasswdEntry, readonly DatabaseField[] | 'unusable'>()

/** `undefined`: the line is for passdbs only, or its ids mean nothing. */
function userdbFields(entry: PasswdEntry, user: string, path: string, needs: DatabaseNeeds): readonly DatabaseField[] | undefined {
  let fields = known.get(entry)
  if (fields === undefined) {
    fields = compileEntry(entry)
    const fault = typeof fields === 'string' ? undefined : idFault(entry, needs)
    if (fault !== undefined) needs.log('error', `passwd-file ${path}:User ${user} ${fault}`)
    if (fault !== undefined) fields = 'unusable'
    known.set(entry, fields)
  }
  return fields === 'unusable' ? undefined : fields
}

function compileEntry(entry: PasswdEntry): readonly DatabaseField[] | 'unusable' {
  const { uid, gid, home } = entry
  // Both fields must be there; empty ones are left to default_fields.
  if (uid === undefined || gid === undefined) return 'unusable'
  const { from } = entry
  const own = Object.entries({ uid, gid, home: home ?? '' }).filter(([, value]) => value !== '')
  return [
    ...own.map(([name, value]) => ({ name, value, from })),
    ...entry.userdbFields.map(({ name, value, from: line }) => ({ name: name.slice('userdb_'.length), value, from: line })),
  ]
}

function idFault(entry: PasswdEntry, { ids }: DatabaseNeeds): string | undefined {
  for (const name of ['uid', 'gid'] as const) {
    const value = entry[name] ?? ''
    const id = value === '' ? 1 : parseId(value, ids[name])
    if (id === undefined || id === 0) return `has invalid ${name.toUpperCase()} '${value}'`
  }
  return undefined
}
