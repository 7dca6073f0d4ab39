/**
 * Fills in what Dovecot says, and where Postern says something else, that too:
 * node test/imap-server/record.ts FILE...
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { inOrder, play } from './play.ts'
import { hasSections, openDovecot, openOurs, openPostern, type Theatre } from './stages.ts'
import { parseTranscript, type Step, type Transcript } from './transcript.ts'

const HEADER = /^(mailbox|config|difference|modseq):/
const files = process.argv.slice(2)
const transcripts = files.map((file) => ({ file, content: readFileSync(file, 'utf8') }))
const groups = Map.groupBy(transcripts, ({ file, content }) => parseTranscript(file, content).config.join('\n'))
for (const [config, members] of groups) {
  const lines = config === '' ? [] : config.split('\n')
  const theatres = await Promise.all([openDovecot(lines), (hasSections(lines) ? openPostern : openOurs)(lines)])
  const queue = [...members]
  await Promise.all(Array.from({ length: 8 }, () => work(queue, theatres)))
  await Promise.all(theatres.map((theatre) => theatre.close()))
}
process.exit(0)

async function work(queue: { file: string; content: string }[], theatres: readonly Theatre[]): Promise<void> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    try {
      await recordOne(next.file, next.content, theatres)
    } catch (error) {
      console.error(`${next.file}: ${String(error)}`)
    }
  }
}

async function recordOne(file: string, content: string, theatres: readonly Theatre[]): Promise<void> {
  const parsed = parseTranscript(file, content)
  const transcript: Transcript = { ...parsed, steps: parsed.steps.filter(({ kind }) => kind !== 'hear') }
  const user = `t${parsed.name.replaceAll(/[^a-z0-9]/g, '')}`
  const [theirs, ours] = await Promise.all(
    theatres.map(async (theatre) => {
      const heard = new Map<number, readonly string[]>()
      theatre.prepare(user, transcript)
      await play(transcript, { side: theatre.side, port: theatre.port, user }, (at, _client, lines) =>
        heard.set(at, lines),
      )
      return heard
    }),
  )
  const headers = content
    .split('\n')
    .filter((line, index) => (index === 0 && line.startsWith('#')) || HEADER.test(line))
  const body: string[] = []
  for (const [at, step] of transcript.steps.entries()) {
    body.push(write(step))
    body.push(...hears(step, theirs?.get(at) ?? [], ours?.get(at) ?? []))
  }
  writeFileSync(file, `${headers.join('\n')}\n\n${body.join('\n').trim()}\n`)
}

function hears(step: Step, theirs: readonly string[], ours: readonly string[]): string[] {
  if (step.kind !== 'send' && step.kind !== 'wait') return []
  const prefix = step.client === 1 ? 'S' : `S${step.client}`
  const say = (lines: readonly string[], side = ''): string[] => lines.map((line) => `${side}${prefix}${written(line)}`)
  const same = inOrder(theirs).join('\n') === inOrder(ours).join('\n')
  return same ? say(theirs) : [...say(theirs, 'dovecot| '), ...say(ours, 'postern| ')]
}

/** Lines with bytes that are no text are written with escapes. */
function written(line: string): string {
  if (!/[^\x20-\x7e]/.test(line)) return `: ${line}`.trimEnd()
  const escaped = line.replace(/[\\]|[^\x20-\x7e]/g, (char) =>
    char === '\\' ? '\\\\' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return `~ ${escaped}`
}

function write(step: Step): string {
  switch (step.kind) {
    case 'send':
      return `C${step.client === 1 ? '' : step.client}${step.together ? '+' : ''}${step.exact ? '~' : ':'} ${step.text}`
    case 'wait':
      return `C${step.client === 1 ? '' : step.client} waits`
    case 'keep':
      return `keep ${step.name}`
    case 'note':
      return step.text
    case 'hear':
      return ''
  }
}
