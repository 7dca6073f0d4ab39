import { type Row, type Rows, string } from './setting.ts'
import { passdbRows, userdbRows } from './settings/database.ts'
import { settingRows } from './settings/index.ts'
import { mailboxRows, namespaceRows } from './settings/namespace.ts'
import { fileListenerRows, inetListenerRows, serviceRows } from './settings/service.ts'
import { eventExporterRows, metricRows } from './settings/statistics.ts'

/** What may stand inside a section. */
export interface Schema {
  readonly rows: ReadonlyMap<string, Row<unknown>>
  /** Other names of rows. */
  readonly aliases: ReadonlyMap<string, string>
  readonly sections: ReadonlyMap<string, SectionSchema>
}

/** `type [name] { ... }`: a dictionary of free keys, or an entry of a list. */
export type SectionSchema =
  | { readonly kind: 'dictionary' }
  | {
      readonly kind: 'list'
      readonly schema: Schema
      /** The row that takes the word after the type. */
      readonly title: string
      /** Entries of one name are one; otherwise each block is a new entry and a name may not come twice. */
      readonly merges: boolean
    }

/** What may stand at the top level of dovecot.conf, and in filters. */
export const rootSchema: Schema = {
  rows: rowMap(settingRows),
  aliases: new Map([['mail', 'mail_location']]),
  sections: new Map<string, SectionSchema>([
    ['service', named('name', serviceSchema())],
    ['passdb', { kind: 'list', title: 'name', merges: false, schema: plain(passdbRows) }],
    ['userdb', { kind: 'list', title: 'name', merges: false, schema: plain(userdbRows) }],
    ['namespace', named('name', namespaceSchema())],
    ['metric', named('metric_name', plain(metricRows))],
    ['event_exporter', named('name', plain(eventExporterRows))],
    ['plugin', { kind: 'dictionary' }],
    ['dict', { kind: 'dictionary' }],
  ]),
}

function serviceSchema(): Schema {
  const file = named('path', plain({ path: string('', 'Path, relative to base_dir.'), ...fileListenerRows }))
  const name = string('', 'Name of the service.')
  return {
    ...plain({ name, ...serviceRows }),
    sections: new Map([
      ['inet_listener', named('name', plain({ name: string('', 'Name of the listener.'), ...inetListenerRows }))],
      ['unix_listener', file],
      ['fifo_listener', file],
    ]),
  }
}

function namespaceSchema(): Schema {
  return {
    rows: rowMap(namespaceRows),
    aliases: new Map([
      ['mail', 'location'],
      ['mail_location', 'location'],
    ]),
    sections: new Map([['mailbox', named('name', plain(mailboxRows))]]),
  }
}

function named(title: string, schema: Schema): SectionSchema {
  return { kind: 'list', title, schema, merges: true }
}

function plain(rows: Rows): Schema {
  return { rows: rowMap(rows), aliases: new Map(), sections: new Map() }
}

function rowMap(rows: Rows): ReadonlyMap<string, Row<unknown>> {
  return new Map(Object.entries(rows))
}
