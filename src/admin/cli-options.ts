/** What stands before the command's name: `doveadm [-Dv] [-c FILE] [-o key=value] [-f FORMAT]`. */
export interface GlobalOptions {
  readonly config: string | undefined
  readonly overrides: readonly string[]
  readonly format: string | undefined
  readonly debug: boolean
  readonly help: boolean
  /** The command's name, its options and words. */
  readonly rest: readonly string[]
}

const WITH_VALUE = 'cof'
const SWITCHES = 'Dvh'

/** Reads options until the first word that is none; the rest is the command's. */
export function readGlobalOptions(argv: readonly string[]): GlobalOptions | { readonly problem: string } {
  const given: (readonly [letter: string, value: string])[] = []
  let index = 0
  let needsHelp = false
  for (; index < argv.length; index++) {
    const word = argv[index] ?? ''
    if (word === '--help') needsHelp = true
    else if (!word.startsWith('-') || word === '-') break
    else if (word === '--') {
      index++
      break
    } else {
      const problem = readLetters(word, () => argv[++index], given)
      if (problem !== undefined) return { problem }
    }
  }
  const values = (letter: string): readonly string[] =>
    given.filter(([name]) => name === letter).map(([, value]) => value)
  const has = (letter: string): boolean => values(letter).length > 0
  return {
    config: values('c').at(-1),
    overrides: values('o'),
    format: values('f').at(-1),
    debug: has('D'),
    help: needsHelp || has('h'),
    rest: argv.slice(index),
  }
}

/** One word of glued letters. Returns what is wrong with it. */
function readLetters(
  word: string,
  next: () => string | undefined,
  given: (readonly [string, string])[],
): string | undefined {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] ?? ''
    if (SWITCHES.includes(letter)) {
      given.push([letter, ''])
      continue
    }
    if (!WITH_VALUE.includes(letter)) return `invalid option -- '${letter}'`
    const value = at + 1 < word.length ? word.slice(at + 1) : next()
    if (value === undefined) return `option requires an argument -- '${letter}'`
    given.push([letter, value])
    return undefined
  }
  return undefined
}
