import { optionText } from './cli-help.ts'
import { doveadmCommands } from './commands/index.ts'
import type { Command } from './commands/command.ts'
import type { Column } from './output/printer.ts'

/** docs/reference/doveadm.md, from the table of commands. */
export function printDoveadmManual(): string {
  return `${INTRO}${doveadmCommands.map(printCommand).join('')}`
}

const INTRO = `<!-- Made from src/admin/commands by \`npm run docs\`. -->

# postern doveadm

\`postern doveadm [-Dv] [-c FILE] [-o key=value] [-f FORMAT] COMMAND [ARGUMENTS]\` administers a running server, with
Dovecot's commands, words and exit statuses. \`postern doveadm help COMMAND\` says what stands here.

It talks to the server over a socket that only its owner may use: \`postern_control_socket\` in \`base_dir\` of the configuration
that \`-c\` names. \`-a\` behind a command names another. All workers answer as one.

| option | |
| --- | --- |
| \`-c FILE\` | the configuration; without, the first of \`/etc/postern/dovecot.conf\`, \`/etc/dovecot/dovecot.conf\` and \`/usr/local/etc/dovecot/dovecot.conf\` |
| \`-o key=value\` | a setting that is stronger than the configuration |
| \`-f FORMAT\` | \`table\`, \`tab\`, \`json\`, \`flow\` or \`pager\`; each command has one of its own |
| \`-D\` | say which socket is asked for what; \`-v\` is accepted |

Listings look as Dovecot's do. In \`json\` columns have the names in parentheses, and all values are texts. Control characters in
names are written as \`\\x1b\`, except in \`json\`.

Exit statuses of all commands: 0 done; 64 the command line makes no sense; 75 the server is not running, or did not answer.
`

function printCommand({ name, usage, summary, details = [], options, columns = [], statuses = [] }: Command): string {
  return [
    `\n## ${name}\n\n`,
    `\`${`doveadm ${name} ${usage}`.trimEnd()}\`\n\n${summary}\n`,
    ...details.map((paragraph) => `\n${paragraph}\n`),
    table(
      'option',
      options.map((option) => [`\`${optionText(option)}\``, option.doc]),
    ),
    columns.length === 0 ? '' : `\nColumns: ${columns.map(columnText).join(', ')}.\n`,
    table(
      'exit status',
      statuses.map(([status, meaning]) => [String(status), meaning]),
    ),
  ].join('')
}

function columnText({ title, key }: Column): string {
  return title === key ? `\`${title}\`` : `\`${title}\` (\`${key}\`)`
}

function table(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return ''
  const lines = rows.map(([left, right]) => `| ${left} | ${right.replaceAll('|', '\\|')} |\n`)
  return `\n| ${title} | |\n| --- | --- |\n${lines.join('')}`
}
