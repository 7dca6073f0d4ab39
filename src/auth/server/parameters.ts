import { Secret } from '../../util/secret.ts'
import { normalizeIp } from '../../util/ip.ts'
import type { Endpoint } from '../../net/byte-stream.ts'
import type { AuthConnection } from '../auth.ts'
import { splitPair, splitTabs, textOf } from './tab-text.ts'

/** What stands behind the mechanism of an AUTH command. */
export interface AuthParameters {
  readonly connection: AuthConnection
  /** The initial response, decoded. */
  readonly initial: Secret | undefined
  readonly isInitialBad: boolean
  /** `final-resp-ok`: what a mechanism says last may come with OK. */
  readonly takesFinalResponse: boolean
}

/** Reads the parameters. A string says what is wrong with them, for the log. Parameters nobody knows are passed over. */
export function parseParameters(parameters: readonly string[]): AuthParameters | string {
  const last = parameters.length - 1
  const values = new Map<string, string>()
  for (const [index, parameter] of parameters.entries()) {
    const [key, value] = splitPair(parameter)
    if (key === 'resp' && index !== last) return "sent AUTH parameters after 'resp'"
    values.set(key, value)
  }
  const service = values.get('service')
  if (service === undefined) return "didn't specify service in request"
  const response = values.get('resp') ?? ''
  const initial = response === '' ? undefined : decodeResponse(response)
  return {
    connection: connectionOf(textOf(service), values),
    initial: initial && new Secret(initial),
    isInitialBad: response !== '' && initial === undefined,
    takesFinalResponse: values.has('final-resp-ok'),
  }
}

/** A response in base64; `=` alone is an empty one. `undefined`: it is no base64. */
export function decodeResponse(text: string): Buffer | undefined {
  if (text === '=') return Buffer.alloc(0)
  return text.length % 4 === 0 && BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

function connectionOf(service: string, values: ReadonlyMap<string, string>): AuthConnection {
  const local = endpoint(values, 'lip', 'lport')
  const remote = endpoint(values, 'rip', 'rport')
  const secured = values.get('secured')
  const localName = values.get('local_name')
  const clientId = values.get('client_id')
  return {
    service,
    session: textOf(values.get('session') ?? ''),
    local,
    remote,
    realLocal: endpoint(values, 'real_lip', 'real_lport', local),
    realRemote: endpoint(values, 'real_rip', 'real_rport', remote),
    secured: secured === undefined ? '' : secured === 'tls' ? 'TLS' : 'secured',
    ...(values.has('valid-client-cert') && { certificateUser: textOf(values.get('cert_username') ?? '') }),
    ...(localName !== undefined && { localName: textOf(localName) }),
    ...(clientId !== undefined && { clientId: textOf(clientId) }),
    ...(values.has('no-penalty') && { noPenalty: true }),
    forward: forwardFields(values.get('forward_fields') ?? ''),
  }
}

/** What is no address or port counts as unknown, as in Dovecot. */
function endpoint(values: ReadonlyMap<string, string>, ipKey: string, portKey: string, fallback = NOWHERE): Endpoint {
  const port = values.get(portKey) ?? ''
  return {
    ip: normalizeIp(values.get(ipKey) ?? '') ?? fallback.ip,
    port: /^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? Number(port) : fallback.port,
  }
}

const NOWHERE: Endpoint = { ip: '', port: 0 }

/** A list within a value. */
function forwardFields(list: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const field of splitTabs(list)) {
    const [key, value] = splitPair(textOf(field))
    if (key !== '') fields.set(key, value)
  }
  return fields
}
