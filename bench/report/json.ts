import type { PeerName } from '../peers/peer.ts'
import type { Metric } from '../plan.ts'
import { significant } from '../measure/stats.ts'
import type { Results } from '../results.ts'

/** A metric's medians by peer, and Postern's against Dovecot's high-performance mode. `null`: not measured. */
export type JsonRow = Readonly<Record<string, number | null>>

const rounded = (value: number | undefined) => (value === undefined ? null : significant(value, 4))

/** The results as one object: metric → peer → median; `vs_dovecot_hp` is above 1 where Postern is better. */
export function jsonReport(
  results: Results,
  metrics: readonly Metric[],
  peers: readonly PeerName[],
): Record<string, JsonRow> {
  return Object.fromEntries(
    metrics.map((metric) => [
      metric.key,
      {
        ...Object.fromEntries(peers.map((peer) => [peer, rounded(results.cell(metric, peer).value)])),
        vs_dovecot_hp: rounded(results.ratio(metric, 'postern')),
      },
    ]),
  )
}
