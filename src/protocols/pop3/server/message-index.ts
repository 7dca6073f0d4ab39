import { parseMessageNumber } from './message-number.ts'
import type { PopSession } from './pop-session.ts'

/** The message that the arguments begin with, from 0, or what is wrong with it. */
export function messageIndex(session: PopSession, args: string): { value: number; rest: string } | string {
  const parsed = parseMessageNumber(args)
  if (typeof parsed === 'string') return parsed
  const { value, rest } = parsed
  if (value < 1 || value > session.messages.length) return `-ERR There's no message ${value}.`
  if (session.deleted.has(value - 1)) return '-ERR Message is deleted.'
  return { value: value - 1, rest }
}
