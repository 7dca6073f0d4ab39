// The %variables of passdb and userdb queries, args, field templates and auth_username_format.
import { fieldKinds, type Template } from '../config/expand.ts'
import type { AuthRequest } from './request.ts'
import { userVariable } from './username.ts'

/** `undefined`: no such variable. Known variables without a value are empty. */
export function lookUpVariable(request: AuthRequest, name: string): string | undefined {
  const user = request.templateUser ?? request.user
  return (
    userVariable(name, user) ??
    connectionVariable(request, name) ??
    identityVariable(request, name) ??
    fieldVariable(request, name)
  )
}

/** The first variable of a template that no login and no lookup has. */
export function unknownVariable({ variables }: Template, ownVariable?: string): string | undefined {
  return variables.find(
    (name) =>
      !KNOWN.has(name) &&
      name !== ownVariable &&
      !name.startsWith('forward_') &&
      !(name.includes(':') && fieldKinds.has(name.split(':', 1)[0] ?? '')),
  )
}

/** What `lookUpVariable` and the process know, fields apart. */
const KNOWN: ReadonlySet<string> = new Set(
  `user username domain domain_first domain_last service lip rip lport rport real_lip real_rip real_lport real_rport password mech
  secured cert ! session local_name client_id pid home session_pid login_user login_username login_domain master_user auth_user
  auth_username auth_domain orig_user orig_username orig_domain uid gid hostname`.split(/\s+/),
)

function connectionVariable(
  { connection, mechanism, password, database }: AuthRequest,
  name: string,
): string | undefined {
  switch (name) {
    case 'service':
      return connection.service
    case 'lip':
      return connection.local.ip
    case 'rip':
      return connection.remote.ip
    case 'lport':
      return String(connection.local.port)
    case 'rport':
      return String(connection.remote.port)
    case 'real_lip':
      return connection.realLocal.ip
    case 'real_rip':
      return connection.realRemote.ip
    case 'real_lport':
      return String(connection.realLocal.port)
    case 'real_rport':
      return String(connection.realRemote.port)
    case 'password':
      return password === undefined ? '' : password.reveal().toString('utf8')
    case 'mech':
      return mechanism ?? ''
    case 'secured':
      return connection.secured
    case 'cert':
      return connection.certificateUser === undefined ? '' : 'valid'
    case '!':
      return database === undefined ? '' : String(database.id)
    case 'session':
      return connection.session
    case 'local_name':
      return connection.localName ?? ''
    case 'client_id':
      return connection.clientId ?? ''
    case 'pid':
      return String(process.pid)
    case 'home':
    case 'session_pid':
      return ''
    default:
      return undefined
  }
}

function identityVariable(request: AuthRequest, name: string): string | undefined {
  switch (name) {
    case 'login_user':
    case 'login_username':
    case 'login_domain':
      return part(request.loginUser, name.slice('login_'.length))
    case 'master_user':
      return request.masterUser ?? ''
    case 'auth_user':
    case 'auth_username':
    case 'auth_domain':
      return part(request.masterUser ?? request.originalUser, name.slice('auth_'.length))
    case 'orig_user':
    case 'orig_username':
    case 'orig_domain':
      return part(request.originalUser, name.slice('orig_'.length))
    default:
      return undefined
  }
}

function part(user: string | undefined, name: string): string {
  return user === undefined ? '' : (userVariable(name, user) ?? '')
}

/** `passdb:x` and `userdb:x`; also `forward_x` by itself, the older notation. */
function fieldVariable(request: AuthRequest, name: string): string | undefined {
  if (name.startsWith('passdb:')) return request.fields.get(name.slice('passdb:'.length))
  if (name.startsWith('userdb:')) return request.userdbFields?.get(name.slice('userdb:'.length))
  return name.startsWith('forward_') ? (request.fields.get(name) ?? '') : undefined
}
