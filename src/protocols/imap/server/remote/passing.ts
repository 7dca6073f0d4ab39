// Commands for the selected mailbox go to the server that keeps it as the client said them, and its answers come back so.
import { BadCommand, SessionOver } from '../bad-command.ts'
import type { ImapCommand, Invocation, Reply } from '../command.ts'
import { farewell, lineBytes, newReader } from '../run-command.ts'
import type { ImapSession } from '../session.ts'
import type { RemoteConnection } from './connection.ts'
import type { RemoteMailboxes, RemoteSelected } from './remote-mailboxes.ts'
import { replyOf, taggedText } from './replies.ts'
import { isOk } from './response.ts'
import { clientSink } from './sinks.ts'
import { idleElsewhere } from './idling.ts'

/** Whether a command is about the selected mailbox alone. COPY and MOVE name another one. */
export function passesOn({ name }: ImapCommand): boolean {
  return PASSED.has(name)
}

/** Says a command to the server of the selected mailbox. `line` is its first line; its arguments begin at `from`. */
export async function passOn(
  remote: RemoteMailboxes,
  selected: RemoteSelected,
  command: ImapCommand,
  call: Invocation,
  line: string,
  from: number,
): Promise<Reply> {
  const { session } = remote
  if (command.name === 'IDLE') return await idleElsewhere(remote, selected, call)
  const verb = `${call.tag} ${call.uid ? 'UID ' : ''}${command.name}`
  const isBare = command.kind === 'ordinary' && command.bare
  // All of it is read first: half a command could not be taken back.
  const parts = isBare ? [verb] : await readParts(session, line, from, verb)
  if (/\b(?:MODSEQ|CHANGEDSINCE|UNCHANGEDSINCE)\b/i.test(parts[0] ?? '')) session.condstore = true
  return await remote.use(selected.place, async (connection) => {
    const text = await converse(session, connection, parts, call.tag)
    if (LEAVING.has(command.name) && isOk(text)) remote.selected = undefined
    return replyOf(text, '', '')
  })
}

async function converse(
  session: ImapSession,
  connection: RemoteConnection,
  parts: readonly string[],
  tag: string,
): Promise<string> {
  const sink = clientSink(session.out, true)
  for (let at = 0; at < parts.length - 1; at += 2) {
    const literal = parts[at + 1] ?? ''
    const head = (parts[at] ?? '').replace(/\{\d+\+?\}$/, '')
    if (connection.capability.has('LITERAL+')) {
      connection.send(`${head}{${literal.length}+}\r\n${literal}`)
      continue
    }
    connection.send(`${head}{${literal.length}}\r\n`)
    const reply = await connection.next(tag, sink)
    if (reply.kind === 'tagged') return taggedText(reply)
    connection.send(literal)
  }
  connection.send(`${parts.at(-1) ?? ''}\r\n`)
  return taggedText(await connection.next(tag, sink))
}

/** The command's lines, and its literals between them. Throws BadCommand for what no server should be told. */
async function readParts(session: ImapSession, line: string, from: number, verb: string): Promise<readonly string[]> {
  const { stream, out } = session
  const reader = newReader(session, false)
  const parts = [verb + line.slice(from)]
  let step = reader.line(line, from)
  while (step.kind === 'literal') {
    if (step.sizeBytes > lineBytes(session)) throw farewell(session, 'Literal size too large')
    if (step.synchronizing) out.text('+ OK\r\n')
    out.flush()
    const bytes = step.sizeBytes === 0 ? Buffer.alloc(0) : await stream.readBytes(step.sizeBytes)
    const next = bytes && (await stream.readLine(lineBytes(session)))
    if (bytes === undefined || next === undefined) throw new SessionOver('Connection closed')
    const literal = bytes.toString('latin1')
    reader.literal(literal)
    parts.push(literal, next)
    step = reader.line(next, 0)
  }
  if (step.kind === 'bad') throw new BadCommand(step.text)
  if (step.kind === 'bye') throw farewell(session, step.text)
  return parts
}

const PASSED: ReadonlySet<string> = new Set([
  'CHECK',
  'CLOSE',
  'EXPUNGE',
  'FETCH',
  'IDLE',
  'NOOP',
  'SEARCH',
  'STORE',
  'UNSELECT',
])
const LEAVING: ReadonlySet<string> = new Set(['CLOSE', 'UNSELECT'])
