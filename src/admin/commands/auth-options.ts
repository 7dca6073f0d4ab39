import { readOptions } from './getopt.ts'
import { CommandUsageError } from './command.ts'

/** The command line of `postern auth`, without `-c` and `-o`. */
export interface AuthOptions {
  readonly action: 'test' | 'lookup' | 'explain'
  readonly words: readonly string[]
  /** `-x key=value`; `-s NAME` is `-x service=NAME`. */
  readonly info: readonly string[]
  readonly master: string | undefined
  readonly field: string | undefined
  readonly json: boolean
}

export const AUTH_HELP = `usage: postern auth test [options] USER [PASSWORD]
       postern auth lookup [options] [-f FIELD] USER...
       postern auth explain [options] USER [PASSWORD]

Asks the password databases of a configuration; no server need run.
  test     logs in, as \`doveadm auth test\` does, and prints the extra fields
  lookup   looks up without a password, as LMTP does
  explain  tells every step: each database asked, where each field comes from, every %variable expanded, where the
           session goes, with which TLS, and what the backend is sent

  -c FILE         the configuration
  -o key=value    a setting that is stronger than the configuration
  -s SERVICE      imap (explain), doveadm (test, lookup), pop3, submission, sieve, lmtp
  -x key=value    about the connection: rip, lip, rport, lport, real_rip, ..., secured, local_name, forward_x
  -M MASTER       test: log in as USER with this master user's password
  -f FIELD        lookup: print only this field
  --json          one JSON object (explain) or array

Exit status: 0 let in or found; 64 usage; 67 unknown user; 75 a database failed, or the route cannot be followed;
77 refused; 89 configuration with errors.
`

/** Reads the words behind \`postern auth\`. Throws CommandUsageError. */
export function readAuthOptions(argv: readonly string[]): AuthOptions {
  const [action, ...rest] = argv
  if (action !== 'test' && action !== 'lookup' && action !== 'explain') {
    throw new CommandUsageError(action === undefined ? 'test, lookup or explain?' : `unknown action '${action}'`)
  }
  const read = readOptions(
    rest.filter((word) => word !== '--json'),
    '',
    'sxMf',
  )
  if ('usage' in read) throw new CommandUsageError(read.usage)
  const { given, flags, words } = read
  if (words.length === 0) throw new CommandUsageError('which user?')
  if (action !== 'lookup' && words.length > 2) {
    throw new CommandUsageError(`Extraneous arguments found: ${words.slice(2).join(' ')}`)
  }
  const info = given.flatMap(([letter, value]) =>
    letter === 's' ? [`service=${value}`] : letter === 'x' ? [value] : [],
  )
  return { action, words, info, master: flags.get('M'), field: flags.get('f'), json: rest.includes('--json') }
}
