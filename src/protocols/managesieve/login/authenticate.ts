import { assertNever } from '../../../util/assert-never.ts'
import type { LoginEnd, LoginVerdict } from '../../protocol.ts'
import { runSaslExchange } from '../../sasl-exchange.ts'
import { faultReply, verdictReply } from '../status.ts'
import { parseReply, quoted, writeString, type Word } from '../wire/strings.ts'
import type { LoginDialogue } from './dialogue.ts'
import { SaslStrings } from './sasl-strings.ts'

/** AUTHENTICATE: mechanism and initial response are strings, and so are challenges and responses. RFC 5804 §2.1. */
export async function authenticate(dialogue: LoginDialogue, words: readonly Word[]): Promise<LoginEnd | undefined> {
  const { io } = dialogue
  const [mechanism, response] = words
  if (mechanism?.kind !== 'string' || mechanism.text === '') return dialogue.badCommand()
  if (response?.kind === 'atom') return dialogue.say('NO "Invalid AUTHENTICATE initial response."')
  const strings = new SaslStrings(io.stream)
  const outcome = await runSaslExchange(io, strings, { mechanism: mechanism.text, initial: response?.text })
  switch (outcome.kind) {
    case 'verdict':
      return conclude(dialogue, strings, outcome.verdict)
    case 'fault':
      return dialogue.reply(strings.complaint ?? faultReply(outcome.fault))
    case 'closed':
      return outcome
  }
}

/** Tells the client how its login went. What it pipelined behind the command stays unread, for whoever is next. */
function conclude(dialogue: LoginDialogue, { success }: SaslStrings, verdict: LoginVerdict): LoginEnd | undefined {
  switch (verdict.kind) {
    case 'proxied':
      dialogue.say(okLine(verdict.welcome.lines[0] ?? LOGGED_IN, success))
      return { kind: 'proxied' }
    case 'local':
      dialogue.say(okLine(LOGGED_IN, success))
      return { kind: 'local', user: verdict.user }
    case 'refused':
    case 'proxy-failed':
    case 'backend-refused':
      return dialogue.reply(verdictReply(verdict, { hostname: dialogue.io.hostname, now: new Date() }))
    default:
      return assertNever(verdict)
  }
}

const LOGGED_IN = 'OK "Logged in."'

/** The OK with the data that proves us to the client; a backend's own response code gives way to it. RFC 5804 §2.1. */
function okLine(line: string, success: Buffer | undefined): string {
  if (success === undefined) return line
  return `OK (SASL ${writeString(success.toString('base64'))}) ${quoted(parseReply(line)?.text ?? '')}`
}
