// `postern doveadm pw`: makes and checks stored passwords, with Dovecot's flags, output and exit status.
import {
  generatePassword,
  InvalidHash,
  parseStoredPassword,
  passwordSchemes,
  splitPrefix,
  verifyPassword,
} from '../../auth/schemes/index.ts'
import { Secret } from '../../util/secret.ts'
import { readOptions } from './getopt.ts'

export interface PwIo {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Asks on the terminal without showing what is typed; reads a line where there is no terminal. */
  readonly readPassword: (prompt: string) => Promise<string>
}

export const PW_USAGE = 'doveadm pw [-l] [-p plaintext] [-r rounds] [-s scheme] [-t hash] [-u user] [-V]\n'

const DEFAULT_SCHEME = 'CRYPT'
const ATTEMPTS = 3
/** Exit statuses of `sysexits.h`, as Dovecot uses them. */
const EX_USAGE = 64
const EX_TEMPFAIL = 75

interface PwOptions {
  readonly list: boolean
  readonly scheme: string
  readonly plaintext: string | undefined
  readonly rounds: number
  readonly testHash: string | undefined
  readonly user: string | undefined
  readonly check: boolean
}

/** Runs `doveadm pw` with the words behind its name and returns the exit status. */
export async function runPw(argv: readonly string[], io: PwIo): Promise<number> {
  const options = parsePwOptions(argv)
  if ('usage' in options) {
    io.stderr(`${options.usage}\nusage: ${PW_USAGE}`)
    return EX_USAGE
  }
  if (options.list) {
    io.stdout(`${passwordSchemes.join(' ')} \n`)
    return 0
  }
  const plaintext = options.plaintext ?? (await ask(options, io))
  if (plaintext === undefined) return 1
  try {
    io.stdout(`${await answer(options, new Secret(plaintext))}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof InvalidHash)) throw error
    io.stderr(`Fatal: ${error.message}\n`)
    return EX_TEMPFAIL
  }
}

function parsePwOptions(argv: readonly string[]): PwOptions | { readonly usage: string } {
  const given = readOptions(argv, 'lV', 'prstu')
  if ('usage' in given) return { usage: `pw: ${given.usage}` }
  const { flags, words } = given
  if (words.length > 0) return { usage: `Error: Extraneous arguments found: ${words.join(' ')}` }
  const rounds = flags.get('r') ?? ''
  return {
    list: flags.has('l'),
    scheme: (flags.get('s') ?? DEFAULT_SCHEME).toUpperCase(),
    plaintext: flags.get('p'),
    // Dovecot takes anything that is no number for the default.
    rounds: /^\d{1,9}$/.test(rounds) ? Number(rounds) : 0,
    testHash: flags.get('t'),
    user: flags.get('u'),
    check: flags.has('V'),
  }
}

/** The password typed; `undefined` when it was typed differently three times. */
async function ask(options: PwOptions, io: PwIo): Promise<string | undefined> {
  if (options.testHash !== undefined) return await io.readPassword('Enter password to verify: ')
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const plaintext = await io.readPassword('Enter new password: ')
    if ((await io.readPassword('Retype new password: ')) === plaintext) return plaintext
    io.stderr("Error: Passwords don't match!\n")
  }
  return undefined
}

async function answer({ testHash, scheme, user, rounds, check }: PwOptions, password: Secret): Promise<string> {
  if (testHash !== undefined) return await verified(testHash, password, user)
  const stored = await generatePassword({ scheme, password, rounds, ...(user === undefined ? {} : { user }) })
  return check ? await verified(stored, password, user) : stored
}

async function verified(given: string, password: Secret, user: string | undefined): Promise<string> {
  const { schemeName, text } = splitPrefix(given, '')
  if (schemeName === '' && text === given) throw new InvalidHash('Missing {scheme} prefix from hash')
  const stored = `{${schemeName}}${text}`
  const parsed = parseStoredPassword(stored, '')
  if (parsed.kind === 'invalid') throw new InvalidHash(`reverse decode check failed: ${parsed.why}`)
  if (parsed.scheme.name === 'DIGEST-MD5' && user === undefined) {
    throw new InvalidHash('digest_md5_generate(): username not given')
  }
  const outcome = await verifyPassword({ stored, defaultScheme: '', password, user: user ?? '' })
  if (outcome.kind === 'match') return `${stored} (verified)`
  const why =
    outcome.kind === 'mismatch' ? 'Password mismatch' : outcome.log.replace('Invalid password in passdb: ', '')
  throw new InvalidHash(`reverse password verification check failed: ${why}`)
}
