import type { Peer, PeerName } from '../peers/peer.ts'
import type { Metric, Pace } from '../plan.ts'
import type { Results } from '../results.ts'
import { costText, percent, ratioText, spreadText, valueText } from './cells.ts'

/** The results as Markdown, and their place in a document. */

export interface RunDescription {
  /** The day, as in ISO 8601. */
  readonly date: string
  readonly machine: string
  readonly pace: Pace
}

type Column = Pick<Peer, 'name' | 'title'>

/** The results section of docs/performance.md. */
export function markdownReport(
  results: Results,
  metrics: readonly Metric[],
  columns: readonly Column[],
  run: RunDescription,
): string {
  const { rounds, seconds, idle } = run.pace
  const { median, worst } = results.foreign()
  const rates = metrics.filter((metric) => metric.kind === 'rate')
  const errors = results.errors()
  const parts = [
    `Measured on ${run.date}: ${run.machine}.`,
    `Medians of ${rounds} samples of ${seconds} s (memory: of ${idle.rounds}), from one interleaved run. Others used ` +
      `${percent(median ?? 0)} of the machine in the median sample, ${percent(worst)} in the worst.`,
    '### Ratios to Dovecot with `service_count = 0`',
    'Above 1 is better, for memory too.',
    table(
      metrics,
      columns,
      ({ title }) => title,
      (metric, name) => ratioText(results, metric, name),
    ),
    '### Medians',
    'Behind each median half the distance from the smallest sample to the largest. A star: some operations failed.',
    table(
      metrics,
      columns,
      ({ title, unit }) => `${title}, ${unit}`,
      (metric, name) => `${valueText(results, metric, name)} ${spreadText(results, metric, name)}`.trim(),
    ),
    '### CPU of the proxy',
    table(
      rates,
      columns,
      ({ title, cost }) => `${title}, ${cost.unit}`,
      (metric, name) => costText(results, metric, name),
    ),
    ...(errors.length === 0 ? [] : ['### Errors', errors.map((line) => `- ${line}`).join('\n')]),
  ]
  return parts.join('\n\n')
}

function table<Row>(
  rows: readonly Row[],
  columns: readonly Column[],
  head: (row: Row) => string,
  cell: (row: Row, peer: PeerName) => string,
): string {
  const line = (first: string, cells: readonly string[]) => `| ${[first, ...cells].join(' | ')} |`
  return [
    line(
      '',
      columns.map((column) => column.title),
    ),
    line(
      '---',
      columns.map(() => '---:'),
    ),
    ...rows.map((row) =>
      line(
        head(row),
        columns.map((column) => cell(row, column.name) || '–'),
      ),
    ),
  ].join('\n')
}

const BEGIN = '<!-- results: written by `npm run bench:proxy -- --write` -->'
const END = '<!-- end of results -->'

/** The document with its results replaced. Throws when it has no place for them. */
export function withResults(document: string, results: string): string {
  const begin = document.indexOf(BEGIN)
  const end = document.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`the document has no lines "${BEGIN}" and "${END}"`)
  return `${document.slice(0, begin)}${BEGIN}\n\n${results}\n\n${document.slice(end)}`
}
