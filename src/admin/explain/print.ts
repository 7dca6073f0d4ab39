import { printableValue } from '../output/printer.ts'
import type { ExplainedField, ExplainedRoute, ExplainedStep, Explanation } from './explanation.ts'

/** An explanation for a person to read: steps, outcome, route. */
export function printExplanation(explanation: Explanation): string {
  const { user, service, login, client, server, steps, outcome, route } = explanation
  const how = login ? 'logs in with a password' : 'is looked up, without a password'
  const lines = [
    `${user} ${how}: service ${service}, client ${client}, server ${server}`,
    ...steps.flatMap((step, index) => ['', ...stepLines(step, index + 1)]),
    '',
    `Outcome: ${outcome.text}`,
    ...(route === undefined ? [] : routeLines(route)),
  ]
  return `${lines.map(printableValue).join('\n')}\n`
}

function stepLines({ part, at, notes, fields }: ExplainedStep, number: number): readonly string[] {
  const place = at === undefined ? '' : ` (${at})`
  const listed = fields.length === 0 ? [] : ['   sets:', ...fieldLines(fields)]
  return [`${number}. ${part}${place}`, ...notes.map((note) => `   ${note}`), ...listed]
}

function fieldLines(fields: readonly ExplainedField[]): readonly string[] {
  const texts = fields.map(({ name, value }) => (value === '' ? name : `${name}=${value}`))
  const width = Math.min(MAX_FIELD_WIDTH, Math.max(...texts.map(({ length }) => length)))
  return fields.map(({ from }, index) => `     ${(texts[index] ?? '').padEnd(width)}  from ${from}`)
}

/** A longer field does not push the others' sources away. */
const MAX_FIELD_WIDTH = 50

function routeLines({ text, details, sent }: ExplainedRoute): readonly string[] {
  const width = Math.max(0, ...details.map(([name]) => name.length))
  return [
    `Route:   ${text}`,
    ...details.map(([name, value]) => `   ${name.padEnd(width)}  ${value}`),
    ...(sent.length === 0
      ? []
      : [
          '',
          'Sent to a backend that offers everything, (password) in place of the password:',
          ...sent.map((line) => `   ${line}`),
        ]),
  ]
}
