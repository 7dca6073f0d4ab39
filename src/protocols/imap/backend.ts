/** Logs in to an IMAP backend for a user, in as few round trips as the backend allows. RFC 3501 §6.2, RFC 2971, RFC 4959. */
import type { Soon } from '../../util/soon.ts'
import type { BackendIo, BackendWelcome, ProxyTarget } from '../protocol.ts'
import { ProxyFailure } from '../proxy-failure.ts'
import { BackendDialogue } from './backend/dialogue.ts'
import type { SentCommand } from './backend/dialogue.ts'
import { idCommand } from './backend/id-command.ts'
import { chooseLogin } from './backend/choose-login.ts'
import type { LoginMethod } from './backend/login-method.ts'
import { refusal, welcome } from './backend/outcome.ts'
import { startTls } from './backend/start-tls.ts'

/**
 * ID, CAPABILITY where needed and the login leave in one write straight after the banner (behind the handshake with
 * STARTTLS); with `proxy_nopipelining` each waits for the reply before it. Rejects with ProxyFailure, or with the stream's
 * DeadlineExceeded.
 */
export async function backend(io: BackendIo, target: ProxyTarget): Promise<BackendWelcome> {
  const dialogue = new BackendDialogue(io)
  const announced = await dialogue.readBanner()
  const method = chooseLogin(io, target, announced)
  const commands = commandsFor(io, target, announced, method)
  if (target.tls === 'starttls') await startTls(dialogue, announced, commands)
  const text = target.nopipelining
    ? await oneByOne(dialogue, commands, method)
    : await atOnce(dialogue, commands, method)
  const asked = io.identity.askedCapability === true
  const result = welcome(text, { capability: dialogue.capability, asked, untagged: dialogue.untagged })
  if (result !== undefined) return result
  const oauthDetail = method.failureDetail()
  throw refusal(text, { untagged: dialogue.untagged, ...(oauthDetail === undefined ? {} : { oauthDetail }) })
}

function commandsFor(
  io: BackendIo,
  target: ProxyTarget,
  announced: ReadonlySet<string> | undefined,
  method: LoginMethod,
): readonly SentCommand[] {
  const commands: SentCommand[] = []
  if (announced?.has('ID') === true && !target.notTrusted) {
    commands.push({ tag: 'I', state: 'id', text: idCommand(io, target) })
  }
  // A client that asks CAPABILITY does not read response codes: it gets the backend's answer to the same question.
  if (announced === undefined || io.identity.askedCapability === true) {
    commands.push({ tag: 'C', state: 'capability', text: 'C CAPABILITY\r\n' })
  }
  commands.push({ tag: 'L', state: method.state, text: method.command })
  return commands
}

function atOnce(dialogue: BackendDialogue, commands: readonly SentCommand[], method: LoginMethod): Soon<string> {
  dialogue.send(commands)
  return dialogue.replyTo('L', method)
}

async function oneByOne(
  dialogue: BackendDialogue,
  commands: readonly SentCommand[],
  method: LoginMethod,
): Promise<string> {
  for (const command of commands) {
    dialogue.send([command])
    if (command.tag === 'L') return dialogue.replyTo('L', method)
    await dialogue.replyTo(command.tag)
  }
  throw new ProxyFailure('internal', 'no login command')
}
