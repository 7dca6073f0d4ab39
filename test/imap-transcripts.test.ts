import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { play } from './imap-server/play.ts'
import { hasSections, openDovecot, openOurs, openPostern, type Theatre } from './imap-server/stages.ts'
import { parseTranscript, type Transcript } from './imap-server/transcript.ts'
import { skipWithout } from './peers/peers.ts'

const FOLDER = join(import.meta.dirname, 'transcripts', 'imap-server')
const DIFFERENCES = readFileSync(join(import.meta.dirname, '..', 'docs', 'dovecot-differences.md'), 'utf8')

const transcripts = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.txt'))
  .map((file) => parseTranscript(file, readFileSync(join(FOLDER, file), 'utf8')))

/** The session alone, with its settings, and the whole server, with those of everybody, or with sections. */
const SIDES = [
  { side: 'Dovecot', open: openDovecot, skip: skipWithout('dovecot-imapd'), plays: () => true },
  { side: 'an IMAP session of ours', open: openOurs, skip: false, plays: (config) => !hasSections(config) },
  {
    side: 'postern serve',
    open: openPostern,
    skip: skipWithout('dovecot-imapd'),
    plays: (config) => config.length === 0 || hasSections(config),
  },
] as const satisfies readonly {
  readonly plays: (config: readonly string[]) => boolean
  readonly [key: string]: unknown
}[]

for (const { side, open, skip, plays } of SIDES) {
  test(`${side} takes part in the transcripts of a logged-in client`, { skip, concurrency: true }, async (t) => {
    const members = transcripts.filter(({ config }) => plays(config))
    const groups = Map.groupBy(members, ({ config }) => config.join('\n'))
    await Promise.all([...groups.values()].map((group) => playGroup(t, open, group)))
  })
}

test('transcripts say what they show, and their differences are explained', () => {
  for (const { name, title, differences, steps } of transcripts) {
    assert.notEqual(title, '', name)
    const differs = steps.some((step) => step.kind === 'hear' && step.only !== undefined)
    assert.equal(differs, differences.length > 0, `${name}: lines for one server and a "difference:" go together`)
    for (const difference of differences) assert.ok(DIFFERENCES.includes(`| \`${difference}\` |`), difference)
  }
  assert.ok(transcripts.length >= 200)
})

async function playGroup(
  t: { test: typeof test },
  open: (config: readonly string[]) => Promise<Theatre>,
  members: readonly Transcript[],
): Promise<void> {
  const theatre = await open(members[0]?.config ?? [])
  try {
    const queue = [...members]
    await Promise.all(Array.from({ length: AT_ONCE }, () => work(queue)))
  } finally {
    await theatre.close()
  }

  async function work(queue: Transcript[]): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const transcript = next
      await t.test(`${transcript.name}: ${transcript.title}`, async () => {
        const user = `t${transcript.name.replaceAll(/[^a-z0-9]/g, '')}`
        theatre.prepare(user, transcript)
        await play(transcript, { side: theatre.side, port: theatre.port, user })
      })
    }
  }
}

/** Transcripts played side by side: Dovecot starts a process for each connection. */
const AT_ONCE = 6
