// What each field that a userdb returns does.
import { compileLate } from './field-template.ts'
import { FieldSet } from './extra-fields.ts'
import type { SystemIds } from './needs.ts'
import { renameUser } from './rename.ts'
import type { AuthRequest } from './request.ts'
import { ExpandError } from '../config/expand.ts'

const PROTECTED = ':protected'
const REMOVE = ':remove'

/** Stands for "prefetch works, without any field": what a passdb whose `userdb_` columns are all NULL leaves behind. */
export const PREFETCHED = ' '

/** Sets a field of the current userdb. `null` is SQL's NULL: the field is absent. */
export function setUserdbField(request: AuthRequest, name: string, value: string | null, from: string): void {
  if (value === null) return
  const fields = (request.userdbFields ??= new FieldSet())
  if (name.endsWith(PROTECTED) && name.length > PROTECTED.length) {
    const field = name.slice(0, -PROTECTED.length)
    if (!fields.has(field)) setField(request, fields, field, value, from)
  } else if (name.endsWith(REMOVE) && name.length > REMOVE.length) {
    fields.remove(name.slice(0, -REMOVE.length))
  } else {
    setField(request, fields, name, value, from)
  }
}

function setField(request: AuthRequest, fields: FieldSet, name: string, value: string, from: string): void {
  switch (name) {
    case 'uid':
    case 'gid':
      setId(request, fields, name, value, from)
      return
    case 'tempfail':
      request.userdbFailed = true
      return
    case 'user':
    case 'username':
    case 'domain':
      renameUser(request, name, value)
      return
    case 'uidgid_file':
      request.uidgidFile = value
      return
    case 'userdb_import':
      importFields(request, value, from)
      return
    case PREFETCHED:
      return
    default:
      fields.add(name === 'system_user' ? 'system_groups_user' : name, value, from)
  }
}

function setId(request: AuthRequest, fields: FieldSet, name: 'uid' | 'gid', value: string, from: string): void {
  // Attributes of LDAP may give several groups.
  const words = name === 'gid' ? value.split(',') : [value]
  const ids = words.map((word) => parseId(name, word, request.needs.ids))
  if (ids.includes(undefined)) {
    request.logDatabase('error', `Invalid ${name.toUpperCase()} value '${value}'`)
    request.userdbFailed = true
  } else {
    fields.add(name, ids.join(','), from)
  }
}

/** A number, or the name of a system user or group. */
export function parseId(kind: 'uid' | 'gid', value: string, ids: SystemIds): number | undefined {
  if (/^\d{1,10}$/.test(value)) return Number(value)
  return kind === 'uid' ? ids.uid(value) : ids.gid(value)
}

function importFields(request: AuthRequest, list: string, from: string): void {
  for (const word of list.split('\t')) {
    const equals = word.indexOf('=')
    if (word !== '')
      setUserdbField(request, equals < 0 ? word : word.slice(0, equals), equals < 0 ? '' : word.slice(equals + 1), from)
  }
}

/** `uidgid_file`: the owner of a file becomes uid and gid. Done after the other fields, since it waits for the disk. */
export async function readUidgidFile(request: AuthRequest): Promise<void> {
  const template = request.uidgidFile
  if (template === undefined) return
  request.uidgidFile = undefined
  try {
    const path = compileLate(template).expand(request.lookup)
    const { uid, gid } = await request.needs.files.stat(path)
    request.userdbFields?.add('uid', String(uid), `owner of ${path}`)
    request.userdbFields?.add('gid', String(gid), `group of ${path}`)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const what = error instanceof ExpandError ? `Failed to expand uidgid_file=${template}: ${text}` : text
    request.logDatabase('error', what)
    request.userdbFailed = true
  }
}
