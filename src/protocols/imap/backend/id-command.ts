import type { BackendIo, ProxyTarget } from '../../protocol.ts'
import { encodeText, sanitize } from '../../wire-text.ts'
import { FORWARD_PREFIX } from '../forwarded.ts'
import { fitsIdPair, writeIdPair } from '../wire/id-parameters.ts'
import type { IdPair } from '../wire/id-parameters.ts'

/** The longest ID command that is sent; Dovecot's receivers and ours read at least this much. */
const ID_COMMAND_BYTES = 8192

/**
 * The ID command that tells the backend who the client is: the client's own pairs (`imap_id_retain`), the session, the
 * addresses, the hops left, then `forward_*` fields. Fields that a receiver would not take are left out with a warning.
 */
export function idCommand(io: BackendIo, target: ProxyTarget): string {
  const { identity } = io
  const pairs: string[] = []
  let bytes = 'I ID ()\r\n'.length
  const add = (pair: IdPair): boolean => {
    if (!fitsIdPair(pair)) return false
    const text = writeIdPair(pair)
    bytes += text.length + 1
    if (bytes > ID_COMMAND_BYTES) {
      bytes -= text.length + 1
      return false
    }
    pairs.push(text)
    return true
  }
  for (const [key, value] of identity.clientId ?? []) add([encodeText(key), value === null ? null : encodeText(value)])
  add(['x-session-id', encodeText(identity.session)])
  add(['x-originating-ip', identity.remote.ip])
  add(['x-originating-port', String(identity.remote.port)])
  add(['x-connected-ip', identity.local.ip])
  add(['x-connected-port', String(identity.local.port)])
  add(['x-proxy-ttl', String(target.ttl)])
  for (const [key, value] of target.forward) {
    if (add([FORWARD_PREFIX + encodeText(key), forwardValue(value)])) continue
    io.warn(`Not forwarding field forward_${sanitize(key, 60)}: it does not fit into an IMAP ID command`)
  }
  return `I ID (${pairs.join(' ')})\r\n`
}

/** A field without a value, an empty one and `NIL` are all NIL to the next hop. */
function forwardValue(value: string | null): string | null {
  return value === null || value === '' || value === 'NIL' ? null : encodeText(value)
}
