import type { ConfigFiles } from '../../config/config.ts'
import { type FilterQuery, parseNet } from '../../config/filter.ts'
import type { Scope } from '../../config/print/flat.ts'

export interface DoveconfOptions {
  readonly path: string | undefined
  readonly overrides: readonly string[]
  readonly scope: Scope
  /** `-d`: what holds without a configuration. */
  readonly defaults: boolean
  /** `-n`, which leaves out the hint to use it. */
  readonly brief: boolean
  readonly expand: boolean
  readonly showSecrets: boolean
  readonly flat: boolean
  readonly valuesOnly: boolean
  readonly query: FilterQuery | undefined
  /** `-m`: parts of Dovecot whose settings to print. */
  readonly parts: readonly string[]
  readonly names: readonly string[]
}

/** Options that take a value, of doveconf and of all Dovecot's programs. */
const WITH_VALUE = 'ceifmo'
const WITHOUT_VALUE = 'aCdhHknNpPsSxwWLO'

/** Reads the command line as getopt does: options may be glued together, and stand between names. */
export function parseDoveconfOptions(
  argv: readonly string[],
  files: ConfigFiles,
): DoveconfOptions | { readonly error: string } | { readonly usage: string } {
  const given = splitOptions(argv)
  if ('usage' in given) return given
  const { flags, names } = given
  const has = (letter: string) => flags.some(([flag]) => flag === letter)
  const valuesOf = (letter: string) => flags.flatMap(([flag, value]) => (flag === letter ? [value] : []))
  if (has('e')) return { error: '-e is not supported: run `postern doveconf -S` and set what the command needs' }
  const query = parseFilter(valuesOf('f'), files)
  if (query !== undefined && 'error' in query) return query
  return {
    path: valuesOf('c').at(-1),
    overrides: valuesOf('o'),
    scope: scopeOf(has),
    defaults: has('d'),
    brief: has('n') || has('N'),
    expand: has('x'),
    showSecrets: has('P'),
    flat: has('S'),
    valuesOnly: has('h'),
    query,
    parts: valuesOf('m'),
    names,
  }
}

function scopeOf(has: (letter: string) => boolean): Scope {
  if (has('N')) return 'set'
  if (has('n')) return 'changed'
  return has('s') ? 'all-with-hidden' : 'all'
}

function splitOptions(
  argv: readonly string[],
):
  | { readonly flags: readonly (readonly [string, string])[]; readonly names: readonly string[] }
  | { readonly usage: string } {
  const flags: (readonly [string, string])[] = []
  const names: string[] = []
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    if (word === '--') return { flags, names: [...names, ...argv.slice(index + 1)] }
    if (!word.startsWith('-') || word === '-') {
      names.push(word)
      continue
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] ?? ''
      if (WITHOUT_VALUE.includes(letter)) flags.push([letter, ''])
      else if (!WITH_VALUE.includes(letter)) return { usage: `invalid option -- '${letter}'` }
      else {
        const glued = word.slice(at + 1)
        const value = glued === '' ? argv[++index] : glued
        if (value === undefined) return { usage: `option requires an argument -- '${letter}'` }
        flags.push([letter, value])
        break
      }
    }
  }
  return { flags, names }
}

/** `-f protocol=imap -f local=10.0.0.1 -f remote=192.0.2.1 -f lname=mail.example.org`. */
function parseFilter(
  args: readonly string[],
  files: ConfigFiles,
): FilterQuery | undefined | { readonly error: string } {
  if (args.length === 0) return undefined
  const query = { protocol: undefined, localName: undefined, localIp: undefined, remoteIp: undefined }
  let filter: FilterQuery = query
  for (const arg of args) {
    const equals = arg.indexOf('=')
    const [key, value] = equals < 0 ? [arg, ''] : [arg.slice(0, equals), arg.slice(equals + 1)]
    if (key === 'protocol' || key === 'service') filter = { ...filter, protocol: value }
    else if (key === 'lname') filter = { ...filter, localName: value }
    else if (key === 'local' || key === 'remote') {
      const net = parseNet(value, files)
      if ('error' in net) return { error: `${key} filter: ${net.error}` }
      filter = key === 'local' ? { ...filter, localIp: net.address } : { ...filter, remoteIp: net.address }
    } else return { error: `Unknown filter argument: ${arg}` }
  }
  return filter
}
