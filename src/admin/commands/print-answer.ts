import type { AuthAnswer } from '../auth-answer.ts'
import { printableValue } from '../output/printer.ts'

/** Dovecot's words for the outcome of `auth test`. */
export function printTest(user: string, { result, fields }: AuthAnswer): string {
  const lines = fields.map(([name, value]) => `  ${value === '' ? name : `${name}=${printableValue(value)}`}\n`)
  return `passdb: ${printableValue(user)} auth ${result === 'ok' ? 'succeeded' : 'failed'}\nextra fields:\n${lines.join('')}`
}

/** Dovecot's listing of `auth lookup`. */
export function printLookup(user: string, { fields }: AuthAnswer): string {
  const lines = fields.map(
    ([name, value]) => `  ${name.padEnd(NAME_WIDTH)}${value === '' ? '' : `: ${printableValue(value)}`}\n`,
  )
  return `passdb: ${printableValue(user)}\n${lines.join('')}`
}

const NAME_WIDTH = 10
