import { splitList } from '../value/number.ts'

const PROTOCOLS = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2'] as const

/** The `ssl_min_protocol` that comes closest to an old list such as `!SSLv3 !TLSv1`. */
export function minimumProtocol(
  list: string,
): { readonly ok: true; readonly protocol: string } | { readonly ok: false; readonly error: string } {
  const wanted = new Set<string>()
  const refused = new Set<string>()
  for (const word of splitList(list, ', ')) {
    const name = word.startsWith('!') ? word.slice(1) : word
    if (!PROTOCOLS.some((protocol) => protocol === name)) return { ok: false, error: `Unrecognized protocol '${name}'` }
    if (word.startsWith('!')) refused.add(name)
    else wanted.add(name)
  }
  const protocol = PROTOCOLS.find((name) => (wanted.size > 0 ? wanted.has(name) : !refused.has(name)))
  return protocol === undefined ? { ok: false, error: 'All protocols disabled' } : { ok: true, protocol }
}
