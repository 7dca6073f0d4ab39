/** Options of a command line as getopt(3) reads them: letters may be glued together, values too, and `--` ends them. */
export type GivenOptions =
  | {
      readonly flags: ReadonlyMap<string, string>
      /** Every option in its order, for those that may come more than once. */
      readonly given: readonly (readonly [letter: string, value: string])[]
      readonly words: readonly string[]
    }
  | { readonly usage: string }

/** Reads `argv`, with `upToWord` only what stands before a word. Of an option given twice the last value counts. `usage` is getopt's complaint. */
export function readOptions(
  argv: readonly string[],
  withoutValue: string,
  withValue: string,
  upToWord = false,
): GivenOptions {
  const given: [string, string][] = []
  const words: string[] = []
  const done = (rest: readonly string[]): GivenOptions => ({ flags: new Map(given), given, words: [...words, ...rest] })
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    if (word === '--') return done(argv.slice(index + 1))
    if (!word.startsWith('-') || word === '-') {
      if (upToWord) return done(argv.slice(index))
      words.push(word)
      continue
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] ?? ''
      if (withoutValue.includes(letter)) {
        given.push([letter, ''])
        continue
      }
      if (!withValue.includes(letter)) return { usage: `invalid option -- '${letter}'` }
      const value = at + 1 < word.length ? word.slice(at + 1) : argv[++index]
      if (value === undefined) return { usage: `option requires an argument -- '${letter}'` }
      given.push([letter, value])
      break
    }
  }
  return done([])
}

/** `--until=X` and `--until X` as the letter that stands for it; what no option is called stays. */
export function withLetters(
  argv: readonly string[],
  options: readonly { readonly letter: string; readonly long?: string }[],
): readonly string[] {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  const short = words.flatMap((word) => {
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? []
    const option = name === undefined ? undefined : options.find(({ long }) => long === name)
    if (option === undefined) return [word]
    return value === undefined ? [`-${option.letter}`] : [`-${option.letter}`, value]
  })
  return end < 0 ? short : [...short, ...argv.slice(end)]
}
