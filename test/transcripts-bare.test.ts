import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { skipWithoutBare as skip } from './support/bare-pair.ts'
import { nameOf, parseTranscript } from './transcripts/parse.ts'
import { play } from './transcripts/play.ts'
import { makeCertificates } from './transcripts/stages.ts'

// Before anything is loaded that starts servers.
process.env['POSTERN_TEST_BARE'] = '1'
const { playUsual } = await import('./transcripts/folders.ts')
const lmtp = await import('./lmtp/stages.ts')

playUsual('proxies with bare sockets play their transcripts', skip, 'imap', 'pop3', 'sieve', 'submission')

test('an LMTP proxy with bare sockets plays its transcripts', { skip, concurrency: 12 }, async (t) => {
  const root = join(import.meta.dirname, '..')
  const folder = join(import.meta.dirname, 'transcripts', 'lmtp')
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt'))
  const transcripts = files.toSorted().map((file) => {
    const path = join(folder, file)
    return parseTranscript(relative(root, path), readFileSync(path, 'utf8'))
  })
  const usual = lmtp.companies(transcripts).find(({ config }) => config.length === 0)
  if (usual === undefined) throw new Error('no transcript has the usual settings')
  const theatre = await lmtp.openTheatre('postern', usual, await makeCertificates())
  t.after(() => theatre.close())
  const plays = usual.transcripts.map((transcript) =>
    t.test(nameOf(transcript), async () => await play(transcript, theatre.stage(transcript))),
  )
  await Promise.all(plays)
})
