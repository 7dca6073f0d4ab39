/** Options of a command line as getopt(3) reads them: letters may be glued together, values too, and `--` ends them. */
export type GivenOptions =
  | { readonly flags: ReadonlyMap<string, string>; readonly words: readonly string[] }
  | { readonly usage: string }

/** Reads `argv`. Of an option given twice the last value counts. `usage` is getopt's complaint. */
export function readOptions(argv: readonly string[], withoutValue: string, withValue: string): GivenOptions {
  const flags = new Map<string, string>()
  const words: string[] = []
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    if (word === '--') return { flags, words: [...words, ...argv.slice(index + 1)] }
    if (!word.startsWith('-') || word === '-') {
      words.push(word)
      continue
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] ?? ''
      if (withoutValue.includes(letter)) {
        flags.set(letter, '')
        continue
      }
      if (!withValue.includes(letter)) return { usage: `invalid option -- '${letter}'` }
      const value = at + 1 < word.length ? word.slice(at + 1) : argv[++index]
      if (value === undefined) return { usage: `option requires an argument -- '${letter}'` }
      flags.set(letter, value)
      break
    }
  }
  return { flags, words }
}
