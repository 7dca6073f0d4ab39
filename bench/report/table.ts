import type { Peer, PeerName } from '../peers/peer.ts'
import type { Metric } from '../plan.ts'
import type { Results } from '../results.ts'
import { costText, percent, ratioText, spreadText, valueText } from './cells.ts'

/** The results for a terminal: a block per metric, a line per peer. */
export function textReport(
  results: Results,
  metrics: readonly Metric[],
  peers: readonly Pick<Peer, 'name' | 'title'>[],
): string {
  const blocks = metrics.map((metric) => {
    const rows = peers
      .filter((peer) => hasSomething(results, metric, peer.name))
      .map((peer) => row(results, metric, peer))
    const cost = metric.kind === 'rate' ? metric.cost.unit : ''
    const head = [`${metric.title} (${metric.key})`, metric.unit, 'spread', 'vs dovecot_hp', cost]
    return aligned([head, ...rows])
  })
  return [...blocks, ...notes(results)].join('\n\n')
}

function hasSomething(results: Results, metric: Metric, peer: PeerName): boolean {
  return valueText(results, metric, peer) !== '–'
}

function row(results: Results, metric: Metric, peer: Pick<Peer, 'name' | 'title'>): string[] {
  return [
    `  ${peer.title}`,
    ...[valueText, spreadText, ratioText, costText].map((text) => text(results, metric, peer.name)),
  ]
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = [44, 24, 8, 14, 14]
  return rows
    .map((cells) =>
      cells
        .map((cell, index) => pad(cell, widths[index] ?? 0, index === 0))
        .join(' ')
        .trimEnd(),
    )
    .join('\n')
}

function pad(text: string, width: number, left: boolean): string {
  return left ? text.padEnd(width) : text.padStart(width)
}

function notes(results: Results): string[] {
  const errors = results.errors()
  const { median, worst } = results.foreign()
  return [
    ...(errors.length > 0 ? [`* Samples with errors:\n${errors.map((line) => `  ${line}`).join('\n')}`] : []),
    ...(median === undefined ? [] : [`Others used ${percent(median)} of the machine, ${percent(worst)} at worst.`]),
  ]
}
