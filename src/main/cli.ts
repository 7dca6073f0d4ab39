import { version } from './version.ts'

/** `postern COMMAND ...`: each command is a module that is loaded only when it is asked for. */

type Run = (argv: readonly string[]) => Promise<number>

interface Command {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<Run>
}

const COMMANDS: readonly Command[] = [
  {
    name: 'serve',
    summary: 'run the server in the foreground',
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  {
    name: 'doveconf',
    summary: "print the configuration, with Dovecot's own flags",
    load: async () => (await import('./doveconf-command.ts')).doveconfCommand,
  },
  {
    name: 'doctor',
    summary: 'find all problems of a configuration at once',
    load: async () => (await import('./doctor-command.ts')).doctorCommand,
  },
  {
    name: 'auth',
    summary: 'test, look up or explain how a user logs in',
    load: async () => (await import('./auth-command.ts')).authCommand,
  },
  {
    name: 'doveadm',
    summary: 'administer a running server',
    load: async () => (await import('./doveadm-command.ts')).doveadmCommand,
  },
  {
    name: 'acl',
    summary: 'explain, verify and change who may do what with mailboxes',
    load: async () => (await import('./acl-command.ts')).aclCommand,
  },
  {
    name: 'deliver',
    summary: 'deliver one message, for the pipes of mail servers',
    load: async () => (await import('./deliver-command.ts')).deliverCommand,
  },
  {
    name: 'move',
    summary: 'move users to another backend while the server runs',
    load: async () => (await import('./move-command.ts')).moveCommand,
  },
  {
    name: 'dev',
    summary: 'run a sample proxy with two backends (npm start)',
    load: async () => (await import('./dev.ts')).devCommand,
  },
]

/** Exit status of usage errors, as `sysexits.h` and doveadm have it. */
const EX_USAGE = 64

function usage(): string {
  const rows = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`)
  return [
    'usage: postern COMMAND [options]',
    '',
    ...rows,
    '',
    'postern COMMAND --help tells more; postern --version prints the version.',
    '',
  ].join('\n')
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === '--version' || name === '-V') {
    process.stdout.write(`postern ${version()}\n`)
    return 0
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage())
    return name === undefined ? EX_USAGE : 0
  }
  const command = COMMANDS.find((candidate) => candidate.name === name)
  if (command === undefined) {
    process.stderr.write(`postern: unknown command '${name}'\n\n${usage()}`)
    return EX_USAGE
  }
  const run = await command.load()
  return await run(rest)
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status
  },
  (error: unknown) => {
    process.stderr.write(`postern: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  },
)
