import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Company, companies, openTheatre } from './lmtp/stages.ts'
import { skipWithout } from './peers/peers.ts'
import { nameOf, parseTranscript, type Side } from './transcripts/parse.ts'
import { play } from './transcripts/play.ts'
import { makeCertificates } from './transcripts/stages.ts'

/** Dialogues at once on one proxy. */
const AT_ONCE = 12

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, 'test', 'transcripts', 'lmtp')
const files = readdirSync(folder).filter((file) => file.endsWith('.txt'))
const transcripts = files.toSorted().map((file) => {
  const path = join(folder, file)
  return parseTranscript(relative(root, path), readFileSync(path, 'utf8'))
})
const certificates = makeCertificates()

test('every difference that a transcript names is explained in docs/dovecot-differences.md', () => {
  const explained = readFileSync(join(root, 'docs', 'dovecot-differences.md'), 'utf8')
  const named = transcripts.flatMap(({ file, differences }) => differences.map((difference) => ({ file, difference })))
  const missing = named.filter(({ difference }) => !explained.includes(`\`${difference}\``))
  assert.deepEqual(missing, [])
})

for (const side of ['dovecot', 'postern'] as const) {
  const skip = side === 'dovecot' ? skipWithoutLmtp() : false
  test(`LMTP transcripts against ${side}`, { skip, concurrency: 2 }, async (t) => {
    const runs = companies(transcripts).map((company, index) =>
      t.test(
        `proxy ${index + 1}: ${company.config.join('; ') || 'usual settings'}`,
        { concurrency: AT_ONCE },
        (inner) => playAll(inner, side, company),
      ),
    )
    await Promise.all(runs)
  })
}

async function playAll(t: TestContext, side: Side, company: Company): Promise<void> {
  const theatre = await openTheatre(side, company, await certificates)
  t.after(() => theatre.close())
  const plays = company.transcripts.map((transcript) =>
    t.test(nameOf(transcript), async () => await play(transcript, theatre.stage(transcript))),
  )
  await Promise.all(plays)
}

function skipWithoutLmtp(): false | string {
  const missing = !existsSync('/usr/lib/dovecot/lmtp')
  return missing ? 'dovecot-lmtpd is not installed (Debian: apt-get install dovecot-lmtpd)' : skipWithout('dovecot')
}
