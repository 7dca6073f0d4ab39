import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { dovecotFor, skipWithout } from '../peers/peers.ts'
import { skipWithoutPostern } from '../peers/postern.ts'
import { nameOf, parseTranscript, type Transcript } from './parse.ts'
import { MissingLogLine, play } from './play.ts'
import {
  companies,
  makeCertificates,
  openBackend,
  openTheatre,
  skipTranscript,
  type Company,
  type Theatre,
} from './stages.ts'

/** Dialogues at once on one proxy. Most of their time is waiting for retries. */
const AT_ONCE = 12

const root = join(import.meta.dirname, '..', '..')

/** Plays those of these folders that need no settings of their own, against Postern alone, all protocols side by side. */
export function playUsual(title: string, skip: false | string, ...names: readonly string[]): void {
  const transcripts = names.flatMap((name) => readFolder(join(root, 'test', 'transcripts', name)))
  const certificates = makeCertificates()
  const usual = companies(transcripts).filter(({ config }) => config.length === 0)
  const backend =
    skip === false && skipWithout('dovecot-imapd') === false
      ? openBackend(usual.flatMap((company) => company.transcripts))
      : Promise.resolve(undefined)
  after(async () => await (await backend)?.stop())
  test(title, { skip, concurrency: usual.length }, async (t) => {
    const runs = usual.map((company) =>
      t.test(company.protocol, { concurrency: AT_ONCE }, async (inner) =>
        playAll(inner, await openTheatre('postern', company, await certificates, await backend), company),
      ),
    )
    await Promise.all(runs)
  })
}

/** Plays the transcripts of these folders: each as tests of its own, against Dovecot and against Postern. */
export function playFolders(...names: readonly string[]): void {
  const transcripts = names.flatMap((name) => readFolder(join(root, 'test', 'transcripts', name)))
  const certificates = makeCertificates()
  const backend = skipWithout('dovecot-imapd') === false ? openBackend(transcripts) : Promise.resolve(undefined)
  after(async () => await (await backend)?.stop())

  test('every difference that a transcript names is explained in docs/dovecot-differences.md', () => {
    const explained = readFileSync(join(root, 'docs', 'dovecot-differences.md'), 'utf8')
    const named = transcripts.flatMap(({ file, differences }) =>
      differences.map((difference) => ({ file, difference })),
    )
    const missing = named.filter(({ difference }) => !explained.includes(`\`${difference}\``))
    assert.deepEqual(missing, [])
  })

  for (const side of ['dovecot', 'postern'] as const) {
    const skip = side === 'dovecot' ? skipWithout('dovecot') : skipWithoutPostern()
    test(`transcripts against ${side}`, { skip, concurrency: 3 }, async (t) => {
      const runs = companies(transcripts).map((company, index) =>
        t.test(
          `proxy ${index + 1}: ${company.protocol}, ${company.config.join('; ') || 'usual settings'}`,
          { concurrency: AT_ONCE, skip: side === 'dovecot' && skipWithout(dovecotFor(company.protocol)) },
          async (inner) => playAll(inner, await openTheatre(side, company, await certificates, await backend), company),
        ),
      )
      await Promise.all(runs)
    })
  }
}

function readFolder(folder: string): readonly Transcript[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .toSorted()
    .map((file) => parseTranscript(relative(root, join(folder, file)), readFileSync(join(folder, file), 'utf8')))
}

async function playAll(t: TestContext, theatre: Theatre, company: Company): Promise<void> {
  t.after(() => theatre.close())
  const plays = company.transcripts.map((transcript) =>
    t.test(nameOf(transcript), { skip: skipTranscript(transcript) }, async (inner) => {
      try {
        await playOnce(theatre, transcript)
      } catch (error) {
        if (theatre.side === 'postern' || !isMissingLogLine(error)) throw error
        // Once in a great many runs the peer loses a line on the way from one of its processes to another.
        inner.diagnostic(`played again: ${error.message}`)
        await playOnce(theatre, transcript)
      }
    }),
  )
  await Promise.all(plays)
}

async function playOnce(theatre: Theatre, transcript: Transcript): Promise<void> {
  const { stage, close } = await theatre.stage(transcript)
  try {
    await play(transcript, stage)
  } finally {
    await close()
  }
}

function isMissingLogLine(error: unknown): error is Error {
  return error instanceof Error && error.cause instanceof MissingLogLine
}
