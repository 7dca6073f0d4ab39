/**
 * Plays transcripts against the installed Dovecot and puts what it really said in the place of expected lines that did
 * not fit: `node test/transcripts/record.ts FILE...`. Read the result before committing it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseTranscript } from './parse.ts'
import { play } from './play.ts'
import { companies, makeCertificates, openBackend, openTheatre } from './stages.ts'

const transcripts = process.argv.slice(2).map((file) => parseTranscript(file, readFileSync(file, 'utf8')))
const certificates = await makeCertificates()
const backend = await openBackend(transcripts)
for (const company of companies(transcripts)) {
  const theatre = await openTheatre('dovecot', company, certificates, backend)
  for (const transcript of company.transcripts) {
    const { stage, close } = await theatre.stage(transcript)
    const lines = readFileSync(transcript.file, 'utf8').split('\n')
    const record = (step: { at: number; only: string | undefined }, actual: string): void => {
      lines[step.at - 1] = (lines[step.at - 1] ?? '').replace(
        /^((?:dovecot\| )?[A-Z]\d?[:<~]).*$/s,
        (_all, head: string) => `${head} ${actual}`,
      )
    }
    await play(transcript, { ...stage, record }).catch((error: unknown) => {
      console.error(
        error instanceof Error ? `${error.message}\n  ${String((error.cause as Error | undefined)?.message)}` : error,
      )
    })
    await close()
    writeFileSync(transcript.file, lines.join('\n'))
  }
  await theatre.close()
}
await backend?.stop()
