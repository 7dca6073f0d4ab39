import { basename } from 'node:path'

export type Side = 'dovecot' | 'postern'

export type Step =
  /** `together`: it goes out with the line behind it. */
  | {
      readonly kind: 'send'
      readonly client: number
      readonly text: string
      readonly exact: boolean
      readonly together: boolean
    }
  | { readonly kind: 'hear'; readonly client: number; readonly text: string; readonly only: Side | undefined }
  /** Lines that come without having been asked for: the client waits. */
  | { readonly kind: 'wait'; readonly client: number }
  | { readonly kind: 'keep'; readonly name: string }
  | { readonly kind: 'note'; readonly text: string }

export interface Transcript {
  readonly name: string
  readonly title: string
  readonly mailboxes: readonly { readonly name: string; readonly fixture: string }[]
  readonly config: readonly string[]
  readonly differences: readonly string[]
  /** HIGHESTMODSEQ lines count too. */
  readonly modSeq: boolean
  readonly steps: readonly Step[]
}

/** Reads a transcript of `test/transcripts/imap-server`; README.md there has the notation. */
export function parseTranscript(file: string, content: string): Transcript {
  const lines = content.split('\n')
  const steps: Step[] = []
  const headers: [string, string][] = []
  for (const [index, line] of lines.entries()) {
    const header = /^(mailbox|config|difference|modseq): ?(.*)$/.exec(line)
    if (header !== null) headers.push([header[1] ?? '', header[2] ?? ''])
    else if (index > 0 || !line.startsWith('#')) {
      const step = parseStep(line)
      if (step === undefined) throw new Error(`${file}:${index + 1}: not understood: ${line}`)
      steps.push(step)
    }
  }
  const all = (name: string): string[] => headers.filter(([key]) => key === name).map(([, value]) => value)
  return {
    name: basename(file, '.txt'),
    title: lines[0]?.startsWith('#') ? lines[0].slice(1).trim() : '',
    mailboxes: all('mailbox').map((text) => {
      const at = text.lastIndexOf(' ')
      return { name: text.slice(0, at), fixture: text.slice(at + 1) }
    }),
    config: all('config'),
    differences: all('difference'),
    modSeq: all('modseq').length > 0,
    steps,
  }
}

/** Text as it goes over the wire: `\r \n \t \0 \\ \xNN`, held as latin1. */
export function unescapeBytes(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1')
  return bytes
    .replace(/<repeat:(\d+):([^>]+)>/g, (_all, count: string, what: string) => what.repeat(Number(count)))
    .replace(/\\(x[0-9a-f]{2}|.)/gi, (_all, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (ESCAPES.get(code) ?? code),
    )
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['r', '\r'],
  ['n', '\n'],
  ['t', '\t'],
  ['0', '\0'],
])

function parseStep(line: string): Step | undefined {
  if (line.trim() === '' || line.startsWith('#')) return { kind: 'note', text: line }
  const keep = /^keep (\w+)$/.exec(line)
  if (keep !== null) return { kind: 'keep', name: keep[1] ?? '' }
  const waits = /^C(\d?) waits$/.exec(line)
  if (waits !== null) return { kind: 'wait', client: Number(waits[1] || 1) }
  const match = /^(?:(dovecot|postern)\| )?([CS])(\d?)([+]?[:~]) ?(.*)$/.exec(line)
  if (match === null) return undefined
  const [, only, who, number, sign = '', text = ''] = match
  const client = Number(number || 1)
  if (who === 'S') {
    return { kind: 'hear', client, text: sign === '~' ? unescapeBytes(text) : text, only: only as Side | undefined }
  }
  return { kind: 'send', client, text, exact: sign.endsWith('~'), together: sign.startsWith('+') }
}
