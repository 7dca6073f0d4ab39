import type { Row, Rows } from './setting.ts'
import { passdbRows, userdbRows } from './settings/database.ts'
import { settingGroups } from './settings/index.ts'
import { mailboxRows, namespaceRows } from './settings/namespace.ts'
import { fileListenerRows, inetListenerRows, serviceRows } from './settings/service.ts'
import { eventExporterRows, metricRows } from './settings/statistics.ts'

const SECTIONS: readonly { readonly title: string; readonly text: string; readonly rows: Rows }[] = [
  {
    title: '`passdb [NAME] { }`',
    text: 'A password database. Blocks are asked in the order of the file; those inside `protocol` come before the global ones.',
    rows: passdbRows,
  },
  {
    title: '`userdb [NAME] { }`',
    text: 'A user database. The order is that of password databases.',
    rows: userdbRows,
  },
  {
    title: '`service NAME { }`',
    text: 'A part of the server. Postern takes the listeners and the limits on connections from here; the rest is kept for `doveconf`.',
    rows: serviceRows,
  },
  { title: '`service { inet_listener [NAME] { } }`', text: 'A TCP port.', rows: inetListenerRows },
  {
    title: '`service { unix_listener PATH { } }`, `service { fifo_listener PATH { } }`',
    text: 'A UNIX socket or a named pipe.',
    rows: fileListenerRows,
  },
  { title: '`namespace [NAME] { }`', text: 'A part of the mailbox tree.', rows: namespaceRows },
  { title: '`namespace { mailbox NAME { } }`', text: 'A mailbox with a purpose.', rows: mailboxRows },
  { title: '`metric NAME { }`', text: 'Accepted without effect; see `postern_metrics_listen`.', rows: metricRows },
  {
    title: '`event_exporter NAME { }`',
    text: 'Accepted without effect; see `postern_metrics_listen`.',
    rows: eventExporterRows,
  },
]

const INTRODUCTION = `# Settings

Every setting that Postern knows, with its default. This page is made from the rows under \`src/config/settings/\` by
\`npm run docs\`; change it there.

Names, values and syntax are those of Dovecot 2.3. A setting marked *no effect* is accepted and kept, and \`postern doctor\` says
why it does nothing. Blocks \`protocol NAME { }\`, \`local NET { }\`, \`local_name NAME { }\` and \`remote NET { }\` may hold any
top-level setting for some connections only. \`plugin { }\` and \`dict { }\` hold keys of your choice.

| type | takes |
| --- | --- |
| boolean | \`yes\`, \`y\`, \`1\` or \`no\` |
| number | a decimal number up to 4294967295 |
| mode | a file mode, octal after a leading zero |
| time | a number with a unit: secs, mins, hours, days, weeks, or any beginning of these |
| time (ms) | the same, also with milliseconds |
| size | a number with an optional unit: B, k, M, G, T, in powers of 1024 |
| port | 0 to 65535 |
| choice | one of the words, exactly so written; the default is the first of them |
| text | anything |
| list | words separated by blanks or commas |
| secret | text that is never printed or logged |
`

const TYPES = {
  boolean: 'boolean',
  uint: 'number',
  octal: 'mode',
  duration: 'time',
  'duration-ms': 'time (ms)',
  size: 'size',
  port: 'port',
  enumeration: 'choice',
  string: 'text',
  list: 'list',
  secret: 'secret',
} as const

/** docs/reference/settings.md, from the rows. */
export function printSettingsReference(): string {
  const groups = settingGroups.map(({ title, rows }) => `## ${title}\n\n${printTable(rows)}`)
  const sections = SECTIONS.map(({ title, text, rows }) => `### ${title}\n\n${text}\n\n${printTable(rows)}`)
  return [INTRODUCTION, ...groups, '## Sections\n', ...sections].join('\n')
}

function printTable(rows: Rows): string {
  const lines = Object.entries(rows).map(
    ([name, row]) => `| \`${name}\` | ${TYPES[row.kind]} | ${printDefault(row)} | ${printDoc(row)} |`,
  )
  return ['| setting | type | default | |', '| --- | --- | --- | --- |', ...lines, ''].join('\n')
}

function printDefault(row: Row<unknown>): string {
  if (row.words !== undefined) return row.words.map((word) => (word === '' ? 'empty' : `\`${word}\``)).join(', ')
  if (row.optional) return 'not set'
  return row.default === '' ? '' : `\`${row.default.replaceAll('|', '\\|')}\``
}

function printDoc(row: Row<unknown>): string {
  const doc = row.doc.replaceAll('|', '\\|').replaceAll('<', '&lt;')
  return row.ignored === undefined ? doc : `${doc} *No effect: ${row.ignored}.*`
}
