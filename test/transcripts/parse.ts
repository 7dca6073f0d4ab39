import { basename, dirname } from 'node:path'
import type { LoginProtocol } from '../peers/dovecot.ts'

/** Which server a line or a run is about. */
export type Side = 'dovecot' | 'postern'

/** Who acts: the client (`C:`), the proxy towards the client (`S:`), the backend (`B>` says, `B<` hears), time and the log. */
export type Step = {
  /** Line number in the file. */
  readonly at: number
  /** Only for this server; for both when absent. */
  readonly only: Side | undefined
} & (
  | { readonly kind: 'client-sends'; readonly connection: number; readonly text: string; readonly exact: boolean }
  | { readonly kind: 'client-hears'; readonly connection: number; readonly text: string; readonly exact: boolean }
  | { readonly kind: 'backend-sends'; readonly connection: number; readonly text: string; readonly exact: boolean }
  | { readonly kind: 'backend-hears'; readonly connection: number; readonly text: string; readonly exact: boolean }
  | { readonly kind: 'client-does'; readonly connection: number; readonly deed: string }
  | { readonly kind: 'backend-does'; readonly connection: number; readonly deed: string }
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'time'; readonly fromSecs: number; readonly toSecs: number }
  | { readonly kind: 'gap' }
)

export interface Transcript {
  readonly file: string
  /** What is spoken: the name of the folder the file lies in. */
  readonly protocol: LoginProtocol
  /** The first comment line: a sentence. */
  readonly title: string
  /** Rows of the user table: name, password with its scheme (`-` for none), extra fields. */
  readonly users: readonly { readonly name: string; readonly password: string; readonly fields: string }[]
  /** Settings besides the usual ones, line by line. */
  readonly config: readonly string[]
  /** Where the client comes from: a stranger's address, a trusted network, or the proxy's own address. */
  readonly client: 'stranger' | 'trusted' | 'same-host'
  readonly backend: 'scripted' | 'scripted-ipv6' | 'dovecot'
  /** Names of rows in docs/dovecot-differences.md. */
  readonly differences: readonly string[]
  /** Rows of docs/reference/checklist.md that it proves something about. */
  readonly rows: readonly number[]
  /** Passdb fields that it shows at work. */
  readonly fields: readonly string[]
  readonly steps: readonly Step[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] }

/** Reads a transcript file. Throws with file and line when something in it is not understood. */
export function parseTranscript(file: string, content: string): Transcript {
  const transcript: Mutable<Transcript> = {
    file,
    protocol: protocolOf(file),
    title: '',
    users: [],
    config: [],
    client: 'stranger',
    backend: 'scripted',
    differences: [],
    rows: [],
    fields: [],
    steps: [],
  }
  for (const [index, line] of content.split('\n').entries()) {
    const at = index + 1
    if (line.startsWith('#')) transcript.title ||= line.slice(1).trim()
    else if (line.trim() === '') transcript.steps.push({ at, only: undefined, kind: 'gap' })
    else if (!parseHeader(transcript, line)) transcript.steps.push(parseStep(file, at, line))
  }
  check(transcript)
  return transcript
}

/** How a test that plays it is called: file, title, and the checklist's rows. */
export function nameOf({ file, title, rows }: Transcript): string {
  return `${file}: ${title}${rows.length === 0 ? '' : ` [row ${rows.join(' ')}]`}`
}

function protocolOf(file: string): LoginProtocol {
  const folder = basename(dirname(file))
  return folder === 'pop3' || folder === 'submission' || folder === 'sieve' ? folder : 'imap'
}

function parseHeader(transcript: Mutable<Transcript>, line: string): boolean {
  const match = /^(user|config|client|backend|difference|rows|fields): ?(.*)$/.exec(line)
  if (match === null) return false
  const [, key = '', value = ''] = match
  if (key === 'user') transcript.users.push(parseUser(value))
  else if (key === 'config') transcript.config.push(value)
  else if (key === 'difference') transcript.differences.push(value)
  else if (key === 'rows') transcript.rows.push(...value.split(' ').map(Number))
  else if (key === 'fields') transcript.fields.push(...value.split(' '))
  else if (key === 'client' && (value === 'trusted' || value === 'same-host')) transcript.client = value
  else if (key === 'backend' && value === 'dovecot') transcript.backend = value
  else if (key === 'backend' && value === 'ipv6') transcript.backend = 'scripted-ipv6'
  else return false
  return true
}

function parseUser(value: string): Transcript['users'][number] {
  const [name = '', password = '-', ...fields] = value.split(' ')
  return { name, password: password === '-' ? '' : password, fields: fields.join(' ') }
}

function parseStep(file: string, at: number, whole: string): Step {
  const tagged = /^(dovecot|postern)\| (.*)$/.exec(whole)
  const only = tagged === null ? undefined : (tagged[1] as Side)
  const line = tagged === null ? whole : (tagged[2] ?? '')
  const common = { at, only }
  const match = /^([CSBLT])(\d?)(<~|[:<>~]| (?=[a-z])) ?(.*)$/.exec(line)
  if (match === null) throw new Error(`${file}:${at}: not understood: ${line}`)
  const [, who = '', number = '', sign = '', text = ''] = match
  const connection = number === '' ? 1 : Number(number)
  switch (`${who}${sign.trim()}`) {
    case 'C:':
    case 'C~':
      return { ...common, kind: 'client-sends', connection, text, exact: sign === '~' }
    case 'S:':
    case 'S~':
      return { ...common, kind: 'client-hears', connection, text, exact: sign === '~' }
    case 'B>':
    case 'B~':
      return { ...common, kind: 'backend-sends', connection, text, exact: sign === '~' }
    case 'B<':
    case 'B<~':
      return { ...common, kind: 'backend-hears', connection, text, exact: sign === '<~' }
    case 'C':
      return { ...common, kind: 'client-does', connection, deed: text }
    case 'B':
      return { ...common, kind: 'backend-does', connection, deed: text }
    case 'L:':
      return { ...common, kind: 'log', text }
    case 'T:': {
      const [from, to] = text.split('..').map(Number)
      if (from === undefined || to === undefined) break
      return { ...common, kind: 'time', fromSecs: from, toSecs: to }
    }
  }
  throw new Error(`${file}:${at}: not understood: ${line}`)
}

function check(transcript: Transcript): void {
  const { file, title, differences, steps } = transcript
  if (title === '') throw new Error(`${file}: begins with no comment that says what it shows`)
  const differs = steps.some((step) => step.only !== undefined)
  if (differs && differences.length === 0)
    throw new Error(`${file}: has lines for one server only but no "difference:"`)
  if (!differs && differences.length > 0) throw new Error(`${file}: has a "difference:" but no line that differs`)
}
