// What each field that a passdb returns does. Boolean fields are true when they are there, whatever their value.
import { parseDelayUntil } from './delay-until.ts'
import { FieldSet } from './extra-fields.ts'
import { checkNetworks } from './networks.ts'
import type { AuthRequest } from './request.ts'
import { renameUser } from './rename.ts'
import { setUserdbField } from './userdb-field.ts'

const PROTECTED = ':protected'
const REMOVE = ':remove'
const USERDB = 'userdb_'

/** Sets a field of the current passdb. `null` is SQL's NULL: the field is absent. */
export function setPassdbField(
  request: AuthRequest,
  name: string,
  value: string | null,
  from: string,
  defaultScheme: string,
): void {
  if (value === null) {
    // Prefetch works even when every userdb_ column is NULL.
    if (name.startsWith(USERDB)) request.prefetched = true
    return
  }
  if (name.endsWith(PROTECTED) && name.length > PROTECTED.length) {
    const field = name.slice(0, -PROTECTED.length)
    if (!request.fields.has(field)) setField(request, field, value, from, defaultScheme)
  } else if (name.endsWith(REMOVE) && name.length > REMOVE.length) {
    request.fields.remove(name.slice(0, -REMOVE.length))
  } else {
    setField(request, name, value, from, defaultScheme)
  }
}

function setField(request: AuthRequest, name: string, value: string, from: string, defaultScheme: string): void {
  switch (name) {
    case 'password':
    case 'password_noscheme':
      setPassword(request, value, defaultScheme, name === 'password_noscheme')
      return
    case 'nopassword':
      setNopassword(request, value, from)
      return
    case 'noauthenticate':
      // The password is not checked either.
      request.fields.add('nopassword', '', from)
      break
    case 'passdb_import':
      importFields(request, value, '', from, defaultScheme)
      return
    case 'userdb_userdb_import':
      request.prefetched = true
      importFields(request, value, USERDB, from, defaultScheme)
      return
    case 'user':
    case 'username':
    case 'domain':
      renameUser(request, name, value)
      break
    case 'login_user':
      request.loginUser = value
      break
    case 'allow_nets':
      checkAddress(request, name, value, request.connection.remote.ip)
      break
    case 'allow_real_nets':
      checkAddress(request, name, value, request.connection.realRemote.ip)
      break
    case 'fail':
      request.failed = true
      break
    case 'delay_until':
      setDelay(request, value)
      break
    default:
      if (!name.startsWith(USERDB)) {
        request.fields.add(name, value, from)
        return
      }
      request.prefetched = true
      request.userdbFields ??= new FieldSet()
      setUserdbField(request, name.slice(USERDB.length), value, from)
  }
  // Known to `:protected` and %{passdb:...}, but not told to the login process.
  request.fields.add(name, value, from, true)
}

function setPassword(request: AuthRequest, text: string, defaultScheme: string, noscheme: boolean): void {
  if (request.stored !== undefined) request.logDatabase('error', 'Multiple password values not supported')
  else request.stored = { text: noscheme ? `{${defaultScheme}}${text}` : text, defaultScheme }
}

function setNopassword(request: AuthRequest, value: string, from: string): void {
  const { stored } = request
  if (stored !== undefined && !request.fields.has('noauthenticate') && withoutScheme(stored.text) !== '') {
    request.logDatabase('error', 'nopassword set but password is non-empty')
    return
  }
  request.stored = undefined
  request.fields.add('nopassword', value, from)
}

function withoutScheme(stored: string): string {
  return stored.replace(/^\{[^{}]*\}/, '')
}

function importFields(request: AuthRequest, list: string, prefix: string, from: string, defaultScheme: string): void {
  for (const word of list.split('\t')) {
    const equals = word.indexOf('=')
    const name = `${prefix}${equals < 0 ? word : word.slice(0, equals)}`
    if (name !== prefix) setPassdbField(request, name, equals < 0 ? '' : word.slice(equals + 1), from, defaultScheme)
  }
}

function checkAddress(request: AuthRequest, name: string, networks: string, ip: string): void {
  const check = checkNetworks(networks, ip)
  for (const network of check.invalid) request.logDatabase('info', `${name}: Invalid network '${network}'`)
  if (check.allowed) return
  const why = ip === '' ? "Remote IP not known and 'local' missing" : `IP ${ip} not in allowed networks`
  request.logDatabase('info', `${name} check failed: ${why}`)
  request.failed = true
}

function setDelay(request: AuthRequest, value: string): void {
  const delay = parseDelayUntil(value, request.needs.clock.now(), request.needs.random)
  if (!delay.ok) {
    request.logDatabase('error', delay.error)
    request.failed = true
  } else if (delay.untilMs !== undefined) {
    request.delayUntilMs = delay.untilMs
  }
}
