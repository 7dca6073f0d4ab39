import { EXIT } from '../admin/commands/command.ts'
import {
  type MoveQuestion,
  type MoveRow,
  type MoveState,
  parseMoveQuestion,
  writeState,
} from '../admin/commands/move-wire.ts'
import type { ControlReply } from '../admin/control/wire.ts'
import type { Observer } from '../observe/events.ts'
import type { Supervisor } from './supervisor.ts'
import type { WorkerAnswer } from './worker-commands.ts'
import type { MoveAnswer } from './worker-move.ts'

/** How lines of the log about moves begin. */
const SERVICE = 'move'

/**
 * One step of `postern move`, asked of all workers. Unlike other commands it fails when a worker does not answer: a session
 * that nobody asked about is not a session that is not there.
 */
export async function handleMove(
  { supervisor, observer }: { readonly supervisor: Supervisor; readonly observer: Observer },
  input: unknown,
  reply: (reply: ControlReply) => void,
): Promise<number> {
  const question = parseMoveQuestion(input)
  if (question.step === 'note') {
    observer.log(question.isFault ? 'error' : 'info', SERVICE, question.text)
    return EXIT.ok
  }
  for (const row of rowsOf(await askEveryWorker(supervisor, question))) reply({ kind: 'row', row })
  return EXIT.ok
}

async function askEveryWorker(supervisor: Supervisor, question: MoveQuestion): Promise<readonly MoveAnswer[]> {
  const command = { kind: 'command', name: 'move', input: question } as const
  const answers = (await supervisor.askAll(command)) as readonly WorkerAnswer[]
  const missing = supervisor.workers.length - answers.length
  if (answers.length === 0 || missing > 0) throw new Error(`${missing} workers did not answer`)
  const errors = new Set(answers.flatMap((answer) => (answer.kind === 'failed' ? [answer.error] : [])))
  if (errors.size > 0) throw new Error([...errors].join('; '))
  return answers.flatMap((answer) => (answer.kind === 'done' ? [answer.value as MoveAnswer] : []))
}

function rowsOf(answers: readonly MoveAnswer[]): readonly MoveRow[] {
  const counts = answers.flatMap((answer) => (answer.kind === 'count' ? [answer.count] : []))
  const states = answers.flatMap((answer) => (answer.kind === 'states' ? answer.states : []))
  const routes = answers.flatMap((answer) => (answer.kind === 'routes' ? answer.routes : []))
  return [
    ...(counts.length === 0 ? [] : [{ count: String(counts.reduce((sum, count) => sum + count, 0)) }]),
    ...sumOfWorkers(states).map(writeState),
    ...routes.map((route) => ({ ...route })),
  ]
}

function sumOfWorkers(states: readonly MoveState[]): readonly MoveState[] {
  const sums = new Map<string, MoveState>()
  for (const { user, waiting, arriving, left } of states) {
    const before = sums.get(user) ?? { user, waiting: 0, arriving: 0, left: 0 }
    sums.set(user, {
      user,
      waiting: before.waiting + waiting,
      arriving: before.arriving + arriving,
      left: before.left + left,
    })
  }
  return [...sums.values()]
}
