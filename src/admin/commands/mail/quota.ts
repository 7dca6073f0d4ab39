import { openTable } from '../../output/table.ts'
import { type CommandCall, CommandUsageError } from '../command.ts'
import { mailCommand } from './mail-command.ts'

/** `quota get`. */
export const quotaGet = mailCommand({
  name: 'quota get',
  usage: '[-u <user>|-A|-F <file>]',
  summary: "Show how much of a user's quota is used.",
  format: openTable,
  plan: ({ words }: CommandCall) => (refuse(words), { kind: 'quota-get' }),
})

/** `quota recalc`. */
export const quotaRecalc = mailCommand({
  name: 'quota recalc',
  usage: '[-u <user>|-A|-F <file>]',
  summary: 'Count what a user has again.',
  plan: ({ words }: CommandCall) => (refuse(words), { kind: 'quota-recalc' }),
})

function refuse([extra]: readonly string[]): void {
  if (extra !== undefined) throw new CommandUsageError(`Extraneous arguments found: ${extra}`)
}
