import type { BackendIo, ClientIdentity, ProxyTarget } from '../../protocol.ts'
import { encodeText, sanitize } from '../../wire-text.ts'
import { FORWARD_PREFIX } from '../forwarded.ts'
import { quoted } from '../wire/argument-writer.ts'
import { fitsIdPair, writeIdPair } from '../wire/id-parameters.ts'
import type { IdPair } from '../wire/id-parameters.ts'

/** The longest ID command that is sent; Dovecot's receivers and ours read at least this much. */
const ID_COMMAND_BYTES = 8192
const EMPTY_BYTES = 'I ID ()\r\n'.length

/**
 * The ID command that tells the backend who the client is: the client's own pairs (`imap_id_retain`), the session, the
 * addresses, the hops left, then `forward_*` fields. Fields that a receiver would not take are left out with a warning.
 */
export function idCommand(io: BackendIo, target: ProxyTarget): string {
  const { identity } = io
  let pairs = ''
  const add = (pair: IdPair): boolean => {
    if (!fitsIdPair(pair)) return false
    const text = writeIdPair(pair)
    if (EMPTY_BYTES + pairs.length + text.length + 1 > ID_COMMAND_BYTES) return false
    pairs = pairs === '' ? text : `${pairs} ${text}`
    return true
  }
  if (identity.clientId !== undefined) {
    for (const [key, value] of identity.clientId) add([encodeText(key), value === null ? null : encodeText(value)])
  }
  // Behind the little that is kept of a client's own there is always room.
  pairs = pairs === '' ? whoIsIt(identity, target.ttl) : `${pairs} ${whoIsIt(identity, target.ttl)}`
  for (const [key, value] of target.forward) {
    if (add([FORWARD_PREFIX + encodeText(key), forwardValue(value)])) continue
    io.warn(`Not forwarding field forward_${sanitize(key, 60)}: it does not fit into an IMAP ID command`)
  }
  return `I ID (${pairs})\r\n`
}

/** All that is put between quotes was made, or looked at, by this server: it is visible ASCII, and addresses and numbers have nothing to quote. */
function whoIsIt({ session, remote, local }: ClientIdentity, ttl: number): string {
  return (
    `"x-session-id" ${quoted(session)} "x-originating-ip" "${remote.ip}" "x-originating-port" "${remote.port}" ` +
    `"x-connected-ip" "${local.ip}" "x-connected-port" "${local.port}" "x-proxy-ttl" "${ttl}"`
  )
}

/** A field without a value, an empty one and `NIL` are all NIL to the next hop. */
function forwardValue(value: string | null): string | null {
  return value === null || value === '' || value === 'NIL' ? null : encodeText(value)
}
