import type { TaskEnd, TaskNews } from '../../admin/commands/mail/mail-admin.ts'
import type { ByteStream } from '../../net/byte-stream.ts'
import { StoreRefusal } from '../../storage/refusal.ts'
import { framesOf } from './mail-frames.ts'
import type { MailHost, OpenTask } from './mail-host.ts'
import type { TaskOrder } from './mail-order.ts'
import { answerTo } from './mail-wire.ts'
import { runTask } from './tasks/run-task.ts'
import { Failures } from './tasks/task-context.ts'

/** A line to whoever gave the order. */
export type TaskLine = TaskNews | TaskEnd

/** Does a task and tells what comes of it; the input is read as frames. Never rejects because of the user's mail. */
export async function serveTask(
  stream: ByteStream,
  order: TaskOrder,
  { host, logFault }: { readonly host: MailHost; readonly logFault: (error: unknown) => void },
): Promise<void> {
  const say = (line: TaskLine): void => stream.write(Buffer.from(`${JSON.stringify(line)}\n`))
  const gone = new AbortController()
  const hear = async (news: TaskNews): Promise<void> => {
    say(news)
    await stream.drained()
  }
  const input = inputOf(stream, () => gone.abort())
  try {
    say(await performTask(host, order, { input, hear, say, signal: gone.signal }))
  } catch (error) {
    if (!gone.signal.aborted) logFault(error)
  }
}

interface TaskIo {
  readonly input: AsyncIterable<Buffer>
  /** Resolves when more may be said. */
  readonly hear: (news: TaskNews) => void | Promise<void>
  readonly say: (news: TaskNews) => void
  readonly signal: AbortSignal
}

/** Opens the mail, does the task and says how it ended. Rejects only when `signal` fires. */
export async function performTask(
  host: MailHost,
  order: TaskOrder,
  { input, hear, say, signal }: TaskIo,
): Promise<TaskEnd> {
  let open: OpenTask | undefined
  const failures = new Failures(say, (error) => open?.logFault(error))
  try {
    open = await host.openTask(order)
    await runTask(
      {
        user: order.user,
        store: open.store,
        quota: open.quota,
        directories: open.directories,
        update: open.update,
        source: open.source,
        imported: open.imported,
        input,
        nowMs: Date.now(),
        signal,
        row: (values) => hear({ kind: 'row', values }),
        progress: (done, total) => say({ kind: 'progress', done, total }),
        failures,
      },
      order.task,
    )
  } catch (error) {
    signal.throwIfAborted()
    if (open === undefined && answerTo(error).kind === 'failed') throw error
    failures.add('', error)
  } finally {
    await open?.close()
  }
  return { kind: 'done', status: failures.status }
}

/** Bytes until the frame that ends them. */
async function* inputOf(stream: ByteStream, onGone: () => void): AsyncGenerator<Buffer> {
  for await (const frame of framesOf(stream)) {
    if (frame === 'finish') return
    if (frame !== 'begin') yield frame
  }
  onGone()
  throw new StoreRefusal('temporary', 'The message did not come to its end')
}
