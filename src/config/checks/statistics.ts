import type { Merged } from '../merge.ts'
import { eventExporterRows, metricRows } from '../settings/statistics.ts'
import { entriesOf, valuesAt } from '../typed.ts'
import { splitList } from '../value/number.ts'
import type { Finding } from './finding.ts'

const TIME_ARGS = ['time-rfc3339', 'time-unix']

/** `metric` and `event_exporter` blocks, which have no effect but must be sound. */
export function checkStatistics(merged: Merged): readonly Finding[] {
  return [
    ...entriesOf(merged, 'event_exporter').flatMap(({ id }) => checkExporter(merged, `event_exporter/${id}/`)),
    ...entriesOf(merged, 'metric').flatMap(({ id }) => checkMetric(merged, `metric/${id}/`)),
  ]
}

function checkExporter(merged: Merged, prefix: string): readonly Finding[] {
  const { name, format, format_args, transport } = valuesAt(merged, prefix, eventExporterRows)
  const finding = (text: string) => [{ text, path: `${prefix}format` }]
  if (name === '') return finding("Exporter name can't be empty")
  if (format === '') return finding("Exporter format name can't be empty")
  if (transport === '' && ['none', 'json', 'tab-text'].includes(format)) {
    return finding("Exporter transport name can't be empty")
  }
  if (!['none', 'json', 'tab-text'].includes(format)) return finding(`Unknown exporter format '${format}'`)
  if (!['drop', 'http-post', 'log'].includes(transport)) return finding(`Unknown transport type '${transport}'`)
  const args = splitList(format_args, ' ')
  const unknown = args.find((arg) => !TIME_ARGS.includes(arg))
  if (unknown !== undefined) return finding(`Unknown exporter format arg: ${unknown}`)
  if (args.length > 1) return finding(`Exporter '${name}' specifies multiple time format args`)
  if (args.length === 0 && format !== 'none') return finding(`${format} exporter format requires a time-* argument`)
  return []
}

function checkMetric(merged: Merged, prefix: string): readonly Finding[] {
  const { metric_name, filter, group_by } = valuesAt(merged, prefix, metricRows)
  const path = `${prefix}filter`
  if (metric_name === '') return [{ text: "Metric name can't be empty", path }]
  if (filter === '') return [{ text: `metric ${metric_name} { filter } is empty - will not match anything`, path }]
  const wrong = splitList(group_by, ' ')
    .map((group) => wrongGroup(group))
    .find((text) => text !== undefined)
  return wrong === undefined ? [] : [{ text: wrong, path: `${prefix}group_by` }]
}

/** `field`, `field:discrete`, `field:linear:MIN:MAX:STEP` or `field:exponential:MIN:MAX:BASE`. */
function wrongGroup(group: string): string | undefined {
  const [field = '', kind, ...args] = group.split(':')
  if (kind === undefined) return undefined
  const label = `group_by '${kind}' aggregate function`
  if (kind === 'discrete') return args.length === 0 ? undefined : `${label} does not take any args`
  if (kind !== 'linear' && kind !== 'exponential') return `unknown aggregation function '${kind}' on field '${field}'`
  if (args.length !== 3 || !args.every((arg) => /^-?[0-9]+$/.test(arg))) return `${label} takes 3 int args`
  const [min = 0, max = 0, third = 0] = args.map(Number)
  if (Math.min(min, max, third) < 0) return `${label} arguments must be >= 0`
  if (kind === 'linear' && min + third > max)
    return `${label} min+step must be <= max (${min + third} must be <= ${max})`
  if (kind === 'exponential' && third !== 2 && third !== 10)
    return `${label} base must be one of: 2, 10 (base=${third})`
  if (kind === 'exponential' && min >= max) return `${label} min must be < max (${min} must be < ${max})`
  return undefined
}
