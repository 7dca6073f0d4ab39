import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Observer } from '../../observe/events.ts'
import type { ConfigSource, Question } from '../messages.ts'
import type { WorkerAnswer } from '../worker-commands.ts'
import { MAIL_WORKER_FLAGS } from './mail-worker-flags.ts'
import { MailWorkers } from './mail-workers.ts'
import type { OwnerAnswer } from './owner-questions.ts'

export interface SupervisedMailNeeds {
  readonly baseDir: string
  readonly source: ConfigSource
  readonly observer: Observer
  readonly askWorker: (question: Question, timeoutMs: number) => Promise<unknown>
}

const ASK_MS = 35_000

/** The supervisor's mail workers. Their sockets lie in a directory that only root may enter. */
export function superviseMail({ baseDir, source, observer, askWorker }: SupervisedMailNeeds): MailWorkers {
  const directory = join(baseDir, 'mail-workers')
  let isReady = false
  return new MailWorkers({
    file: fileURLToPath(import.meta.url.replace(/supervised-mail\.(ts|js)$/, 'mail-worker.$1')),
    directory,
    prepare() {
      if (isReady) return
      // What a server that was killed left behind.
      rmSync(directory, { recursive: true, force: true })
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      isReady = true
    },
    flags: MAIL_WORKER_FLAGS,
    source,
    log: (level, service, text) => observer.log(level, service, text),
    lookupOwners: async (asked) => {
      const question = { kind: 'command', name: 'userdb-homes', input: asked } as const
      const answer = (await askWorker(question, ASK_MS)) as WorkerAnswer | undefined
      if (answer?.kind === 'done') return answer.value as readonly OwnerAnswer[]
      const error = answer?.error ?? 'no worker answered'
      return asked.map(() => ({ kind: 'failed', error }))
    },
  })
}
