/** What a program that wants a script run says to a script service: Dovecot's protocol `script`, version 4. */

export interface ScriptRequest {
  readonly words: readonly string[]
  /** Whoever asked does not wait for the end. */
  readonly isSilent: boolean
}

const VERSION = 'VERSION\tscript\t4\t'

/** The bytes of a request that waits for nothing. */
export function writeScriptRequest(words: readonly string[]): string {
  return `${VERSION}0\nnoreply\n${words.map((word) => `${escaped(word)}\n`).join('')}\n`
}

/** Reads a request when all of it is there; `broken` when it is none. What is behind it is the input of the script. */
export function readScriptRequest(
  bytes: Buffer,
): { readonly request: ScriptRequest; readonly rest: Buffer } | 'incomplete' | 'broken' {
  const head = bytes.subarray(0, VERSION.length).toString('latin1')
  if (!VERSION.startsWith(head)) return 'broken'
  const end = bytes.indexOf('\n\n')
  if (end < 0) return 'incomplete'
  const [version = '', ...lines] = bytes.toString('utf8', 0, end).split('\n')
  if (!/^\d+$/.test(version.slice(VERSION.length))) return 'broken'
  const options = lines.findIndex((line) => !/^(alarm=|env_)/.test(line))
  const [mode, ...words] = lines.slice(Math.max(0, options))
  if (mode === undefined) return 'broken'
  return { request: { words: words.map(unescaped), isSilent: mode === 'noreply' }, rest: bytes.subarray(end + 2) }
}

const ESCAPES: readonly (readonly [byte: string, letter: string])[] = [
  ['\u0001', '1'],
  ['\t', 't'],
  ['\r', 'r'],
  ['\n', 'n'],
  ['\0', '0'],
]

function escaped(word: string): string {
  return Array.from(word, (char) => {
    const letter = ESCAPES.find(([byte]) => byte === char)?.[1]
    return letter === undefined ? char : `\u0001${letter}`
  }).join('')
}

function unescaped(line: string): string {
  // oxlint-disable-next-line no-control-regex
  return line.replaceAll(/\u0001(.)/gs, (_, letter: string) => ESCAPES.find(([, one]) => one === letter)?.[0] ?? letter)
}
