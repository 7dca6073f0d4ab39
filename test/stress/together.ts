import assert from 'node:assert/strict'
import { MailHomes, startDovecotOn, startLocalMail } from '../peers/local-mail.ts'
import type { Started } from '../peers/started.ts'
import { removeTempDir } from '../support/temp-dir.ts'
import { runStress, type Stage, type StressResult } from './run.ts'

export interface TogetherOptions {
  readonly seconds: number
  readonly seed: number
  readonly withDovecot: boolean
}

const SESSIONS = 20
const DOVECOT_SESSIONS = 4
/** Dovecot misses a file that is renamed while it reads the directory, and gives it a new UID when it sees it again. */
const KNOWN = /Duplicate file entry|Expunged message reappeared, giving a new UID/

/** Two servers of ours, and perhaps a Dovecot, serve one Maildir under stress; their logs must not complain either. */
export async function stressTogether({ seconds, seed, withDovecot }: TogetherOptions): Promise<StressResult> {
  const homes = new MailHomes(['joe'])
  const servers: Started[] = []
  try {
    for (const start of [startLocalMail, startLocalMail, ...(withDovecot ? [startDovecotOn] : [])])
      servers.push(await start(homes))
    const stages = servers.map((server, index): Stage => {
      const ours = index < 2
      const half = (SESSIONS - (withDovecot ? DOVECOT_SESSIONS : 0)) / 2
      const name = ours ? 'postern' : 'dovecot'
      return {
        name,
        imap: server.ports['imap'] ?? 0,
        lmtp: server.ports['lmtp'],
        sessions: ours ? half : DOVECOT_SESSIONS,
        ours,
      }
    })
    const result = await runStress({ homes, stages, seconds, seed })
    const complaints = servers.flatMap(({ logLines }) =>
      logLines.filter((line) => /: (Warning|Error|Panic|Fatal|BUG): /.test(line)),
    )
    assert.deepEqual(
      complaints.filter((line) => !KNOWN.test(line)),
      [],
      'no server has anything to complain of',
    )
    return result
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
    removeTempDir(homes.dir)
  }
}
