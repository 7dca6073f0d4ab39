import type { Command, CommandOption } from './commands/command.ts'

const USAGE = 'usage: postern doveadm [-Dv] [-c FILE] [-o key=value] [-f FORMAT] COMMAND [ARGUMENTS]'

/** `doveadm help`: all commands, one a line. */
export function printOverview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`)
  return `${USAGE}\n\n${lines.join('')}
  -c FILE       the configuration that names the server's control socket
  -o key=value  a setting that is stronger than the configuration
  -f FORMAT     table, tab, json, flow or pager
  -D            say which socket is asked for what; -v is accepted

doveadm help COMMAND tells more.
`
}

/** `doveadm help proxy kick`. */
export function printHelp({ name, usage, summary, details = [], options, statuses = [] }: Command): string {
  const optionLines = options.map((option) => `  ${optionText(option).padEnd(26)}${option.doc}\n`)
  const statusLines = statuses.map(([status, meaning]) => `  ${String(status).padEnd(26)}${meaning}\n`)
  return [
    `usage: doveadm ${name} ${usage}`.trimEnd(),
    `\n\n${summary}\n`,
    ...details.map((paragraph) => `\n${paragraph}\n`),
    options.length === 0 ? '' : `\nOptions:\n${optionLines.join('')}`,
    statuses.length === 0 ? '' : `\nExit status:\n${statusLines.join('')}`,
  ].join('')
}

/** What doveadm prints when a command's words make no sense. */
export function printUsage({ name, usage }: Command): string {
  return `${`doveadm ${name} ${usage}`.trimEnd()}\n`
}

/** Commands of a group: `auth`, `proxy`. */
export function printGroup(group: string, commands: readonly Command[]): string {
  const lines = commands.map(({ name, usage }) => `  ${name.slice(group.length + 1).padEnd(12)} ${usage}`.trimEnd())
  return `usage: doveadm [-Dv] [-f <formatter>] ${group} <command> [<args>]\n${lines.join('\n')}\n`
}

/** `-a <control socket path>`. */
export function optionText({ letter, long, value }: Omit<CommandOption, 'doc'>): string {
  const names = long === undefined ? `-${letter}` : `-${letter}, --${long}`
  return value === undefined ? names : `${names} <${value}>`
}
