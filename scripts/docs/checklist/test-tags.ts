import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { PROTOCOLS, type ProtocolName } from './features.ts'

/** What a test says it proves. */
export interface TaggedTest {
  /** Relative to the repository. */
  readonly file: string
  readonly name: string
  readonly rows: readonly number[]
  readonly fields: readonly string[]
  /** None: it has nothing to do with protocols. */
  readonly protocols: readonly ProtocolName[]
}

/** Tests, their contract suites and transcripts. */
const FILES = ['src/**/*.test.ts', 'test/**/*.test.ts', 'test/suites/*.ts', 'test/chain/*.ts']
const TRANSCRIPTS = 'test/transcripts/*/*.txt'

/**
 * Finds the tags of all tests: `[row 4 15]`, `[row 4: imap pop3]` and `[field host: imap]` in names, `rows:` and `fields:`
 * in headers of transcripts. Sorted by file and name.
 */
export function readTaggedTests(root: string): readonly TaggedTest[] {
  const sources = globSync(FILES, { cwd: root }).flatMap((file) => fromSource(file, read(root, file)))
  const transcripts = globSync(TRANSCRIPTS, { cwd: root }).flatMap((file) => fromTranscript(file, read(root, file)))
  return [...sources, ...transcripts].toSorted((left, right) => compare(left.file, right.file))
}

/** A string that holds tags is the name of a test; it stands on one line. */
export function fromSource(file: string, text: string): readonly TaggedTest[] {
  const names = text.matchAll(/(['"`])((?:(?!\1).)*\[(?:row|field) [^\]]*\](?:(?!\1).)*)\1/g)
  return [...names].flatMap(([, , name = '']) => fromName(file, name))
}

function fromName(file: string, whole: string): readonly TaggedTest[] {
  const tags = [...whole.matchAll(/ ?\[(row|field) ([a-z0-9_* ]+)(?:: ([a-z3 ]+))?\]/g)]
  if (tags.length === 0) return []
  const name = tags.reduce((rest, [tag]) => rest.replace(tag, ''), whole).replaceAll(/\$\{[^}]*\}/g, '…')
  return tags.map(([, kind, words = '', protocols = '']) => ({
    file,
    name,
    rows: kind === 'row' ? words.split(' ').map(Number) : [],
    fields: kind === 'field' ? words.split(' ') : [],
    protocols: protocols === '' ? [] : protocols.split(' ').map((word) => protocolNamed(file, word)),
  }))
}

function fromTranscript(file: string, text: string): readonly TaggedTest[] {
  const header = (key: string): string[] =>
    [...text.matchAll(new RegExp(`^${key}: ?(.*)$`, 'gm'))].flatMap(([, value = '']) => value.split(' '))
  const rows = header('rows').map(Number)
  const fields = header('fields')
  if (rows.length + fields.length === 0) return []
  const name = /^# ?(.*)$/m.exec(text)?.[1] ?? ''
  return [{ file, name, rows, fields, protocols: [protocolNamed(file, basename(dirname(file)))] }]
}

function protocolNamed(file: string, word: string): ProtocolName {
  const found = PROTOCOLS.find((protocol) => protocol === word)
  if (found === undefined) throw new Error(`${file}: no such protocol: ${word}`)
  return found
}

function read(root: string, file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
