import { significant } from '../measure/stats.ts'
import type { PeerName } from '../peers/peer.ts'
import type { Metric } from '../plan.ts'
import type { Results } from '../results.ts'

/** A number as a table shows it: three digits that mean something. */
export function shown(value: number | undefined): string {
  return value === undefined ? '–' : significant(value, 3).toLocaleString('en', { maximumFractionDigits: 4 })
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** The median, `*` when samples had errors, and the resumed share where TLS sessions are to be resumed. */
export function valueText(results: Results, metric: Metric, peer: PeerName): string {
  const cell = results.cell(metric, peer)
  if (cell.value === undefined) return results.absence(metric, peer) ?? (cell.flawed > 0 ? 'failed' : '–')
  const resumed = cell.resumed === undefined ? '' : ` (${percent(cell.resumed)} resumed)`
  return `${shown(cell.value)}${cell.flawed > 0 ? '*' : ''}${resumed}`
}

/** Half the distance between the smallest and the largest sample, in percent of the median. */
export function spreadText(results: Results, metric: Metric, peer: PeerName): string {
  const { spread } = results.cell(metric, peer)
  return spread === undefined ? '' : `±${percent(spread / 2)}`
}

/** The advantage over Dovecot's high-performance mode. */
export function ratioText(results: Results, metric: Metric, peer: PeerName): string {
  const ratio = results.ratio(metric, peer)
  return ratio === undefined ? '' : `${significant(ratio, 3)}×`
}

/** What one operation costs in CPU; empty where it is not known. */
export function costText(results: Results, metric: Metric, peer: PeerName): string {
  const { cost } = results.cell(metric, peer)
  return cost === undefined ? '' : shown(cost)
}
