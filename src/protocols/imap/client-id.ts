import { decodeText } from '../wire-text.ts'
import { isReservedIdKey } from './forwarded.ts'
import { fitsIdPair, writeIdPair } from './wire/id-parameters.ts'
import type { IdPair } from './wire/id-parameters.ts'

/** Dovecot keeps this much of a client's ID with `imap_id_retain`. */
export const CLIENT_ID_BYTES = 256

/** What is kept of a client's ID for the backend and for `%{client_id}`: no reserved key, nothing that cannot be sent on, at most 256 bytes. */
export function retainClientId(pairs: readonly IdPair[]): readonly IdPair[] {
  const kept: IdPair[] = []
  let bytes = 0
  for (const pair of pairs) {
    if (isReservedIdKey(pair[0]) || !fitsIdPair(pair)) continue
    const pairBytes = writeIdPair(pair).length + (kept.length === 0 ? 0 : 1)
    if (bytes + pairBytes > CLIENT_ID_BYTES) continue
    bytes += pairBytes
    kept.push([decodeText(pair[0]), pair[1] === null ? null : decodeText(pair[1])])
  }
  return kept
}
