import { lookupPassdb, testLogin } from '../admin/auth-answer.ts'
import { AUTH_HELP, readAuthOptions, type AuthOptions } from '../admin/commands/auth-options.ts'
import { lookUpAll } from '../admin/commands/auth-lookup.ts'
import { showTest } from '../admin/commands/auth-test.ts'
import { type CommandOutput, CommandUsageError, EXIT } from '../admin/commands/command.ts'
import { passwordReader } from '../admin/commands/read-password.ts'
import type { Explanation } from '../admin/explain/explanation.ts'
import { printExplanation } from '../admin/explain/print.ts'
import { openJson } from '../admin/output/json.ts'
import type { Observer } from '../observe/events.ts'
import { explainUser } from './explain-user.ts'
import { ConfigUnusable, type LocalAuth, openLocalAuth } from './local-auth.ts'
import { takeConfigOptions, UsageError } from './options.ts'
import { openOutput } from './output.ts'

/** Dovecot's exit status for a configuration it cannot use. */
const EXIT_CONFIG = 89
/** Databases that do not answer have their own, shorter limits; a login may wait for `delay_until`. */
const COMMAND_MS = 320_000

/** `postern auth ...` on this machine: resolves with the exit status. */
export async function authCommand(argv: readonly string[]): Promise<number> {
  const out = commandOutput(argv.includes('--json'))
  if (argv.includes('--help') || argv.includes('-h')) {
    out.print(AUTH_HELP)
    return EXIT.ok
  }
  try {
    const { path, overrides, rest } = takeConfigOptions(argv)
    const options = readAuthOptions(rest)
    const local = await openLocalAuth(path, overrides, complainTo(out))
    try {
      return await run(options, local, out)
    } finally {
      await local.auth.close()
    }
  } catch (error) {
    return failure(error, out)
  }
}

function failure(error: unknown, out: CommandOutput): number {
  if (error instanceof CommandUsageError || error instanceof UsageError) {
    out.printError(`postern auth: ${error.message}\n\n${AUTH_HELP}`)
    return EXIT.usage
  }
  if (!(error instanceof ConfigUnusable)) throw error
  for (const line of error.message.split('\n')) out.complain(line)
  return EXIT_CONFIG
}

async function run(options: AuthOptions, local: LocalAuth, out: CommandOutput): Promise<number> {
  const { action, words, info, field } = options
  const signal = AbortSignal.timeout(COMMAND_MS)
  const [user = '', password] = words
  switch (action) {
    case 'test': {
      const question = { user, info, password: password ?? (await askPassword()), ...masterOf(options) }
      return showTest(out, user, await testLogin(local.auth, question, signal))
    }
    case 'lookup': {
      const value = (letter: string): string | undefined => (letter === 'f' ? field : undefined)
      return await lookUpAll({ words, out, value }, async (name) => {
        return await lookupPassdb(local.auth, { user: name, info }, signal)
      })
    }
    case 'explain': {
      const { explanation, problems } = await explainUser(
        local,
        { user, info, ...(password !== undefined && { password }) },
        signal,
      )
      for (const problem of problems) out.complain(problem, 'Warning')
      out.print(options.json ? `${JSON.stringify(explanation, null, 2)}\n` : printExplanation(explanation))
      return statusOf(explanation)
    }
  }
}

function masterOf({ master }: AuthOptions): { master?: string } {
  return master === undefined ? {} : { master }
}

async function askPassword(): Promise<string> {
  const reader = passwordReader()
  try {
    return await reader.read('Password: ')
  } finally {
    reader.close()
  }
}

function statusOf({ outcome, route }: Explanation): number {
  if (outcome.kind === 'unknown') return EXIT.noUser
  if (outcome.kind === 'temporary' || route?.kind === 'broken') return EXIT.temporary
  return outcome.kind === 'refused' || route?.kind === 'refuse' ? EXIT.permission : EXIT.ok
}

function commandOutput(json: boolean): CommandOutput {
  const { stdout, stderr, width } = openOutput()
  const format = json ? openJson : undefined
  return {
    format,
    open: (columns, fallback) => (format ?? fallback)(columns, { write: stdout, width }),
    print: stdout,
    complain: (text, severity = 'Error') => stderr(`${severity}: ${text}\n`),
    printError: stderr,
  }
}

/** What the databases would log, for whoever asked. */
function complainTo(out: CommandOutput): Observer {
  return {
    emit: () => undefined,
    log(level, service, text) {
      if (level !== 'debug' && level !== 'info')
        out.complain(`${service}: ${text}`, level === 'warning' ? 'Warning' : 'Error')
    },
  }
}
