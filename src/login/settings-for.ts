import type { Settings } from '../config/config.ts'
import type { ClientIdentity, Protocol } from '../protocols/protocol.ts'
import type { LoginEnvironment } from './environment.ts'

/** The settings of a connection, as far as it is known who is at its other end. */
export function settingsFor(environment: LoginEnvironment, protocol: Protocol, identity: ClientIdentity): Settings {
  const { local, remote, localName } = identity
  return environment.settings({
    protocol: protocol.name,
    localIp: local.ip,
    remoteIp: remote.ip,
    ...(localName === undefined ? undefined : { localName }),
  })
}
