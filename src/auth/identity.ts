import type { SaslIdentity } from '../sasl/mechanism.ts'
import type { PassdbChain } from './passdb-chain.ts'
import type { AuthRequest } from './request.ts'
import { fixUsername, type NameFault } from './username.ts'

/** Gives the request its user, and in a master login the user to become. Returns why the name will not do, if so. */
export function assignIdentity(
  request: AuthRequest,
  chain: PassdbChain,
  { authcid, authzid }: SaslIdentity,
): NameFault | undefined {
  const fault = assignUser(request, chain, authcid)
  if (fault !== undefined || authzid === undefined || authzid === '' || authzid === authcid) return fault
  const loginFault = assignLoginUser(request, chain, authzid)
  return loginFault && { ...loginFault, text: `login user: ${loginFault.text}` }
}

/** A name alone; `target*master` is a master login when a separator is set. */
export function assignUser(request: AuthRequest, chain: PassdbChain, name: string): NameFault | undefined {
  const { settings, connection } = request
  const at = settings.masterSeparator === '' ? -1 : name.indexOf(settings.masterSeparator)
  const own = at < 0 ? name : name.slice(at + 1)
  request.originalUser ??= own
  const certified = settings.userFromCertificate ? connection.certificateUser : undefined
  const fixed = fixUsername(certified ?? own, settings.username, request.lookup)
  if (!fixed.ok) return fixed.fault
  request.user = fixed.user
  request.trace?.note(
    `user name ${certified ?? own} -> ${fixed.user} (auth_username_format = ${settings.username.formatText})`,
  )
  return at < 0 ? undefined : assignLoginUser(request, chain, name.slice(0, at))
}

function assignLoginUser(request: AuthRequest, chain: PassdbChain, name: string): NameFault | undefined {
  if (name === '') return { level: 'info', text: 'Master user login attempted to use empty login username' }
  // As oneself is no master login.
  if (name === request.user) return undefined
  if (chain.masterdbs.length === 0) return { level: 'info', text: 'Master user login attempted without master passdbs' }
  const fixed = fixUsername(name, request.settings.username, request.lookup)
  if (!fixed.ok) return fixed.fault
  request.loginUser = fixed.user
  request.logLogin('debug', `Master user lookup for login: ${request.loginUser}`)
  return undefined
}
