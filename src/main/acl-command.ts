import { doveadmCommand } from './doveadm-command.ts'
import { takeConfigOptions, UsageError } from './options.ts'

/** `postern acl ...`: what `postern doveadm acl ...` does; `-c` and `-o` may stand anywhere. Resolves with the exit status. */
export async function aclCommand(argv: readonly string[]): Promise<number> {
  try {
    const end = argv.includes('--') ? argv.indexOf('--') : argv.length
    const { path, overrides, rest } = takeConfigOptions(argv.slice(0, end))
    const global = ['-c', path, ...overrides.flatMap((override) => ['-o', override])]
    const { format, words } = takeFormat(rest)
    return await doveadmCommand([...global, ...format, 'acl', ...words, ...argv.slice(end)])
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`postern acl: ${error.message}\n`)
    return 64
  }
}

/** `-f FORMAT` and `--json` are doveadm's own. */
function takeFormat(words: readonly string[]): {
  readonly format: readonly string[]
  readonly words: readonly string[]
} {
  if (words.includes('--json')) return { format: ['-f', 'json'], words: words.filter((word) => word !== '--json') }
  if (words[0] === '-f') return { format: words.slice(0, 2), words: words.slice(2) }
  return { format: [], words }
}
