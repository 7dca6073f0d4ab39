import { optimizeEarly } from './engine.ts'
import type { ConfigSource, FromWorker, ToWorker } from './messages.ts'
import { WorkerRuntime } from './worker-runtime.ts'

/** The entry of a worker process: messages from the supervisor in, answers out. It ends when the supervisor does. */

/** How often the supervisor learns how many sessions would be lost with this worker. */
const SESSIONS_MS = 2_000

optimizeEarly()
const runtime = new WorkerRuntime(
  (news) => tell({ kind: 'backend-news', news }),
  (message) => tell({ kind: 'shared', message }),
  (question) => tell({ kind: 'mail-worker', question }),
)
let toldSessions = 0

function tell(message: FromWorker): void {
  // The supervisor may be gone already; then this process ends too.
  process.send?.(message, undefined, undefined, () => undefined)
}

/** Who does not practise does not even load it. */
async function practiseFirst(source: ConfigSource): Promise<void> {
  const { practise } = await import('./practice/practice.ts')
  await practise(source, (text) => process.stderr.write(`postern: Warning: ${text}\n`))
}

async function onMessage(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'prepare':
      try {
        if (message.practise === true) await practiseFirst(message.source)
        tell({ kind: 'prepared', generation: message.generation, listeners: await runtime.prepare(message) })
      } catch (error) {
        tell({
          kind: 'failed',
          generation: message.generation,
          error: error instanceof Error ? error.message : String(error),
        })
      }
      return
    case 'commit':
      await runtime.commit(message.generation)
      return
    case 'discard':
      await runtime.discard(message.generation)
      return
    case 'ticket-keys':
      runtime.setTicketKeys(Buffer.from(message.ticketKeys))
      return
    case 'reopen-logs':
      runtime.reopenLogs()
      return
    case 'shared':
      runtime.shared.hear(message.message)
      return
    case 'mail-worker':
      runtime.mailSockets.hear(message.reply)
      return
    case 'backend-news':
      runtime.learn(message.news)
      return
    case 'ask':
      tell({ kind: 'answer', id: message.id, value: await runtime.answer(message.question) })
      return
    case 'stop':
      await runtime.stop(message.graceMs)
      process.exit(0)
  }
}

process.on('message', (message: ToWorker) => {
  onMessage(message).catch((error: unknown) => {
    runtime.fault(error)
  })
})

// A fault nobody caught belongs to one session; the others go on. What was going on is in the log.
process.on('uncaughtException', (error) => runtime.fault(error))
process.on('unhandledRejection', (error) => runtime.fault(error))
// Signals reach the whole process group; the supervisor decides what they mean.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined)

setInterval(() => {
  const count = runtime.sessions
  if (count === toldSessions) return
  toldSessions = count
  tell({ kind: 'sessions', count })
}, SESSIONS_MS).unref()

tell({ kind: 'hello' })
