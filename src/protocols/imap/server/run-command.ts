import { compileStrftime } from '../../../observe/strftime.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import { ArgumentReader, type Argument, type ReadStep } from '../wire/argument-reader.ts'
import { isTag } from '../wire/grammar.ts'
import { BadCommand, No, NoMailbox, SessionOver } from './bad-command.ts'
import type { ImapCommand, Invocation, OrdinaryCommand, Reply } from './command.ts'
import { INTERNAL_ERROR } from './internal-error.ts'
import { SERVER_LIMITS } from './limits.ts'
import { refusalReply } from './refusal-reply.ts'
import type { ImapSession } from './session.ts'
import { syncMailbox } from './sync-report.ts'

export type CommandTable = ReadonlyMap<string, ImapCommand>

/** Runs the command that begins with this line, reads the rest of it, and says its reply. */
export async function runCommand(session: ImapSession, table: CommandTable, line: string): Promise<void> {
  const began = performance.now()
  const tagEnd = wordEnd(line, 0)
  const tag = line.slice(0, tagEnd)
  // What is no tag is not sent back: it may be a browser's, and mean something to it.
  if (!isTag(tag)) return sayBad(session, '*', 'Error in IMAP tag: Invalid tag', began)
  let nameEnd = wordEnd(line, tagEnd + 1)
  let name = line.slice(tagEnd + 1, nameEnd).toUpperCase()
  const uid = name === 'UID' && line.charCodeAt(nameEnd) === SPACE
  if (uid) {
    const start = nameEnd + 1
    nameEnd = wordEnd(line, start)
    name = line.slice(start, nameEnd).toUpperCase()
  }
  if (!NAME.test(name) || name === 'UID') {
    return sayBad(session, tag, 'Error in IMAP command: Invalid command name', began)
  }
  const shown = uid ? `UID ${name}` : name
  session.lastCommand = shown
  const found = table.get(name)
  if (found === undefined || !isKnown(session, found, uid)) {
    return sayBad(session, tag, `Error in IMAP command ${shown}: Unknown command`, began)
  }
  try {
    const reply = await perform(session, found, { tag, uid }, line, nameEnd)
    session.badCommands = 0
    const news = reply.sync === undefined ? undefined : syncMailbox(session, reply.sync)
    if (news !== undefined) await news
    session.out.text(`${tag} ${replyText(session, reply)} ${times(began)}`)
    reply.after?.()
  } catch (error) {
    if (error instanceof NoMailbox) return sayBad(session, tag, error.message, began)
    if (error instanceof BadCommand)
      return sayBad(session, tag, `Error in IMAP command ${shown}: ${error.message}`, began)
    session.out.text(`${tag} ${noText(session, error, found)} ${times(began)}`)
  }
}

/** Whether the command is there for this user, with or without UID. */
function isKnown({ mail }: ImapSession, { plugin, uid: withUid }: ImapCommand, uid: boolean): boolean {
  if (plugin !== undefined && !mail.plugins.has(plugin)) return false
  return uid ? withUid !== undefined : withUid !== 'only'
}

/** What a refusal is answered with; anything else is thrown on. */
function noText(session: ImapSession, error: unknown, { name, notFound }: ImapCommand): string {
  if (error instanceof No) return `NO ${error.message}`
  if (error instanceof StoreRefusal) return refusalReply(error, notFound)
  if (!isSystemError(error)) throw error
  session.mail.log('error', `${name} failed: ${error.message}`)
  return `NO ${SYSTEM_REFUSALS.get(error.code) ?? `[SERVERBUG] ${INTERNAL_ERROR} [${timestamp(new Date())}]`}`
}

interface SystemError extends Error {
  readonly code: string
}

/** A disk that is full, a file that may not be opened: what the user asked for failed, and the session goes on. */
function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

/** What the client can be told of them, in Dovecot's words. */
const SYSTEM_REFUSALS: ReadonlyMap<string, string> = new Map([
  ['EACCES', '[NOPERM] Permission denied'],
  ['EPERM', '[NOPERM] Permission denied'],
  ['EROFS', '[NOPERM] Permission denied'],
  ['ENOSPC', '[OVERQUOTA] Not enough disk quota'],
  ['EDQUOT', '[OVERQUOTA] Not enough disk quota'],
])

/** RFC 7162 §3.2.7: who was told that messages vanished learns how far it knows everything now. */
function replyText(session: ImapSession, { text }: Reply): string {
  if (!session.toldVanished) return text
  session.toldVanished = false
  if (session.selected === undefined || !text.startsWith('OK ') || text.startsWith('OK [')) return text
  return `OK [HIGHESTMODSEQ ${session.mailbox.highestModSeq}] ${text.slice(3)}`
}

/** Answers a command that makes no sense; the twentieth in a row is the last. */
function sayBad(session: ImapSession, tag: string, text: string, began: number): void {
  session.out.text(`${tag} BAD ${text} ${times(began)}`)
  if (++session.badCommands < SERVER_LIMITS.badCommands) return
  session.out.text('* BYE Too many invalid IMAP commands.\r\n')
  session.over = 'Too many invalid IMAP commands.'
}

function perform(
  session: ImapSession,
  found: ImapCommand,
  call: Invocation,
  line: string,
  from: number,
): Reply | Promise<Reply> {
  const passing = session.remote?.pass(found, call, line, from)
  if (passing !== undefined) return passing
  if (found.kind === 'ordinary' && found.bare) return start(session, found, [], call)
  if (session.lineCut) throw new BadCommand('Too long argument')
  const reader = newReader(session, found.kind === 'reading')
  const step = reader.line(line, from)
  if (found.kind === 'reading') return found.read(session, reader, step, call)
  if (step.kind === 'complete') return start(session, found, reader.args, call)
  return finishReading(session, found, call, reader, step)
}

/** Dovecot looks at the state only after it read the arguments. */
function start(
  session: ImapSession,
  found: OrdinaryCommand,
  args: readonly Argument[],
  call: Invocation,
): Reply | Promise<Reply> {
  if (found.needs === 'selected' && session.selected === undefined && session.remote?.selected === undefined)
    throw new NoMailbox('No mailbox selected')
  return found.start(session, args, call)
}

async function finishReading(
  session: ImapSession,
  found: OrdinaryCommand,
  call: Invocation,
  reader: ArgumentReader,
  step: ReadStep,
): Promise<Reply> {
  return await start(session, found, await readToEnd(session, reader, step), call)
}

/** Reads literals and lines until the command is complete. Throws BadCommand, or SessionOver after saying BYE. */
export async function readToEnd(
  session: ImapSession,
  reader: ArgumentReader,
  first: ReadStep,
): Promise<readonly Argument[]> {
  let step = first
  while (step.kind === 'literal') step = await readLiteral(session, reader, step)
  if (step.kind === 'complete') return reader.args
  if (step.kind === 'bad') throw new BadCommand(step.text)
  throw farewell(session, step.text)
}

/** Reads one literal into memory and the line behind it. */
export async function readLiteral(
  session: ImapSession,
  reader: ArgumentReader,
  { sizeBytes, synchronizing }: Extract<ReadStep, { kind: 'literal' }>,
): Promise<ReadStep> {
  const { stream, out } = session
  const max = lineBytes(session)
  if (sizeBytes > max) return { kind: 'bye', text: 'Literal size too large' }
  if (synchronizing) out.text('+ OK\r\n')
  out.flush()
  const bytes = sizeBytes === 0 ? NO_BYTES : await stream.readBytes(sizeBytes)
  const next = bytes && (await stream.readLine(max))
  if (bytes === undefined || next === undefined) throw new SessionOver('Connection closed')
  reader.literal(bytes.toString('latin1'))
  return reader.line(next, 0)
}

/** Says goodbye to a client whose next bytes cannot be told apart from commands. */
export function farewell(session: ImapSession, text: string): SessionOver {
  session.out.text(`* BYE ${text}\r\n`)
  return new SessionOver(text)
}

/** `imap_max_line_length`. */
export function lineBytes({ mail }: ImapSession): number {
  return Math.max(mail.settings.imap_max_line_length, 1024)
}

/** How long it took, as Dovecot says it: `(0.001 + 0.000 secs).` */
function times(began: number): string {
  const ms = Math.max(1, Math.round(performance.now() - began))
  const rest = ms % 1000
  return `(${(ms - rest) / 1000}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest} + 0.000 secs).\r\n`
}

export function newReader(session: ImapSession, unbounded: boolean): ArgumentReader {
  return new ArgumentReader({
    commandBytes: unbounded ? Number.POSITIVE_INFINITY : COMMAND_LINES * lineBytes(session),
    literals: SERVER_LIMITS.literals,
    lists: SERVER_LIMITS.lists,
    literalMinus: session.mail.settings.imap_literal_minus,
  })
}

/** A command may have so many times `imap_max_line_length`: its literals come on top of its line. */
const COMMAND_LINES = 16
const timestamp = compileStrftime('%Y-%m-%d %H:%M:%S')
const NO_BYTES = Buffer.alloc(0)
const SPACE = 0x20
const NAME = /^[\x21-\x7e]+$/

/** Where the word that starts here ends: at a blank or with the line. */
function wordEnd(line: string, start: number): number {
  const end = line.indexOf(' ', start)
  return end < 0 ? Math.max(line.length, start) : end
}
