import type { Config, Filter } from '../../config/config.ts'
import { parseNet } from '../../config/filter.ts'
import { about } from './about.ts'
import type { Finding } from './finding.ts'

/** A network with fewer bits than this is more than one organisation. */
const NARROW_BITS = { ipv4: 8, ipv6: 16 } as const
const LOOPBACK = /^(127\.[0-9.]+|::1|\[::1\]|localhost)$/

/** Networks that are trusted, and what is open to the network. */
export function checkNetworks(config: Config, filter: Filter): readonly Finding[] {
  return [
    ...trustedNetworks(
      config,
      filter,
      'login_trusted_networks',
      'may claim any client address and send passwords in clear',
    ),
    ...trustedNetworks(config, filter, 'haproxy_trusted_networks', 'may claim any client address'),
    ...metrics(config, filter),
  ]
}

function* trustedNetworks(
  config: Config,
  filter: Filter,
  setting: 'login_trusted_networks' | 'haproxy_trusted_networks',
  power: string,
): Generator<Finding> {
  for (const word of config.settings(filter)[setting]) {
    const net = parseNet(word, { read: () => '', glob: () => [] })
    if ('error' in net) yield about(config, filter, setting, 'warning', `${setting}: '${word}' is not a network`)
    else if (net.bits < NARROW_BITS[net.address.kind()]) {
      yield about(config, filter, setting, 'warning', `${setting} = ${word}: whoever connects from there ${power}`)
    }
  }
}

function* metrics(config: Config, filter: Filter): Generator<Finding> {
  const { postern_metrics_listen } = config.settings(filter)
  const host = postern_metrics_listen.slice(0, postern_metrics_listen.lastIndexOf(':'))
  if (postern_metrics_listen === '' || LOOPBACK.test(host)) return
  const text = `postern_metrics_listen = ${postern_metrics_listen}: metrics have no password, and this is not a loopback address`
  yield about(config, filter, 'postern_metrics_listen', 'warning', text)
}
