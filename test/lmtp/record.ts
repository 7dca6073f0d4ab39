/**
 * Plays LMTP transcripts against the installed Dovecot and puts what it really said in the place of expected lines that did not
 * fit: `node test/lmtp/record.ts FILE...`. Read the result before committing it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseTranscript } from '../transcripts/parse.ts'
import { play } from '../transcripts/play.ts'
import { makeCertificates } from '../transcripts/stages.ts'
import { companies, openTheatre } from './stages.ts'

const transcripts = process.argv.slice(2).map((file) => parseTranscript(file, readFileSync(file, 'utf8')))
const certificates = await makeCertificates()
for (const company of companies(transcripts)) {
  const theatre = await openTheatre('dovecot', company, certificates)
  for (const transcript of company.transcripts) {
    const lines = readFileSync(transcript.file, 'utf8').split('\n')
    const record = (step: { at: number }, actual: string): void => {
      lines[step.at - 1] = (lines[step.at - 1] ?? '').replace(
        /^((?:dovecot\| )?[A-Z]\d?[:<~]).*$/s,
        (_all, head: string) => `${head} ${actual}`,
      )
    }
    await play(transcript, { ...theatre.stage(transcript), record }).catch((error: unknown) => {
      console.error(
        error instanceof Error ? `${error.message}\n  ${String((error.cause as Error | undefined)?.message)}` : error,
      )
    })
    writeFileSync(transcript.file, lines.join('\n'))
  }
  await theatre.close()
}
