import type { AuthAnswer } from '../auth-answer.ts'
import type { AuthQuestion } from '../auth-question.ts'
import type { CommandCall } from './command.ts'

/** Asks the running server's auth service. Rejects with ControlUnavailable. */
export async function askAuth(
  call: CommandCall,
  command: 'auth-test' | 'auth-lookup',
  question: AuthQuestion,
): Promise<AuthAnswer> {
  const fields: [string, string][] = []
  let result: AuthAnswer['result'] = 'temporary'
  await call.ask({ command, input: question }, (row) => {
    if (row.result !== undefined) result = readResult(row.result)
    else fields.push([row.name ?? '', row.value ?? ''])
  })
  return { result, fields }
}

/** How the server tells it: the result first, then the fields. */
export function answerRows({ result, fields }: AuthAnswer): readonly Readonly<Record<string, string>>[] {
  return [{ result }, ...fields.map(([name, value]) => ({ name, value }))]
}

function readResult(text: string): AuthAnswer['result'] {
  return text === 'ok' || text === 'failed' || text === 'unknown' ? text : 'temporary'
}
