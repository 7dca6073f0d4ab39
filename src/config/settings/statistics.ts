import { durationMs, string } from '../setting.ts'

/** A `metric NAME {}` block: accepted, without effect (see postern_metrics_listen). */
export const metricRows = {
  metric_name: string('', 'Name of the metric.'),
  filter: string('', 'Event filter.'),
  fields: string('', 'Fields that are summed up.'),
  group_by: string('', 'Fields that split the metric.'),
  exporter: string('', 'Exporter the events go to.'),
  exporter_include: string('name hostname timestamps categories fields', 'What an exported event holds.'),
  description: string('', 'Explanation.'),
} as const

/** An `event_exporter NAME {}` block: accepted, without effect. */
export const eventExporterRows = {
  name: string('', 'Name of the exporter.'),
  format: string('', 'Form of an event.'),
  format_args: string('', 'Options of that form.'),
  transport: string('', 'Way an event goes.'),
  transport_args: string('', 'Options of that way.'),
  transport_timeout: durationMs('250 ms', 'Deadline of sending.'),
} as const
