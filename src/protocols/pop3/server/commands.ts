import { splitCommand } from '../../converse.ts'
import { SEEN } from '../../../storage/flags.ts'
import { SERVER_LIMITS } from './limits.ts'
import { messageIndex } from './message-index.ts'
import { type PopEnd, type PopSession, totalBytes } from './pop-session.ts'
import { quit } from './quit.ts'
import { retr, top } from './retrieve.ts'
import { saveUidls } from './save-uidls.ts'
import { uidlsOf } from './uidl.ts'
import { xuidlsOf } from './xuidl.ts'
import { logsUidls } from './logout-line.ts'

type Command = (session: PopSession, args: string) => PopEnd | undefined | Promise<PopEnd | undefined>

/** Runs the command in this line; `undefined`: go on with the next. */
export async function runCommand(session: PopSession, line: string): Promise<PopEnd | undefined> {
  const nul = line.indexOf('\0')
  const { name, args } = splitCommand(nul < 0 ? line : line.slice(0, nul))
  const command = name === 'LAST' && !session.mail.settings.pop3_enable_last ? undefined : commands.get(name)
  session.hasFailed = false
  const end = command === undefined ? unknown(session, line) : await command(session, args)
  if (end !== undefined) return end
  session.badCommands = session.hasFailed ? session.badCommands + 1 : 0
  if (session.badCommands <= SERVER_LIMITS.badCommands) return undefined
  session.say('-ERR Too many bad commands.')
  return { reason: 'Too many bad commands.' }
}

function unknown(session: PopSession, line: string): undefined {
  const [name = ''] = line.split(/[ \0]/)
  // Bytes: only ASCII has upper case here.
  const shouted = name.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase())
  return session.say(name === '' ? '-ERR Unknown command.' : `-ERR Unknown command: ${shouted}`)
}

/** The commands of the transaction state. RFC 1939 §5 and §7, RFC 2449 §5. */
const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['CAPA', capa],
  ['DELE', dele],
  ['LAST', last],
  ['LIST', list],
  ['NOOP', (session) => session.say('+OK')],
  ['QUIT', quit],
  ['RETR', retr],
  ['RSET', rset],
  ['STAT', stat],
  ['TOP', top],
  ['UIDL', uidl],
])

function capa(session: PopSession): undefined {
  return session.say(['+OK', 'CAPA', 'TOP', 'UIDL', 'RESP-CODES', 'PIPELINING', 'AUTH-RESP-CODE', '.'].join('\r\n'))
}

function dele(session: PopSession, args: string): undefined {
  const index = onlyMessage(session, args)
  if (typeof index === 'string') return session.say(index)
  session.deleted.add(index)
  return session.say('+OK Marked to be deleted.')
}

function last(session: PopSession): undefined {
  return session.say(`+OK ${session.last}`)
}

async function list(session: PopSession, args: string): Promise<undefined> {
  const { messages } = session
  const sizeOf = (index: number): number => messages[index]?.sizeBytes ?? 0
  if (args !== '') {
    const index = onlyMessage(session, args)
    return session.say(typeof index === 'string' ? index : `+OK ${index + 1} ${sizeOf(index)}`)
  }
  session.say(`+OK ${messages.length - session.deleted.size} messages:`)
  return await sayAll(session, (index) => String(sizeOf(index)))
}

/** With `pop3_enable_last` nothing was ever seen. */
async function rset(session: PopSession): Promise<undefined> {
  const { mail, inbox, messages } = session
  session.deleted.clear()
  session.retrieved.clear()
  session.last = 0
  if (mail.settings.pop3_enable_last) {
    const uids = messages.map(({ uid }) => uid)
    await inbox.mailbox.store(uids, { mode: 'remove', bits: SEEN, keywords: [] }, { silent: true })
  }
  return session.say('+OK')
}

function stat(session: PopSession): undefined {
  const { messages, deleted } = session
  return session.say(`+OK ${messages.length - deleted.size} ${totalBytes(messages, session.left())}`)
}

async function uidl(session: PopSession, args: string): Promise<undefined> {
  const { mail, inbox, messages } = session
  const all = messages.map(({ uid }) => uid)
  if (mail.settings.pop3_reuse_xuidl) session.xuidls ??= await xuidlsOf(inbox.mailbox, all)
  const given = session.xuidls ?? NO_XUIDLS
  const idsOf = (uids: readonly number[]): readonly string[] => uidlsOf(inbox.mailbox, mail.settings, uids, given)
  if (logsUidls(mail.settings)) session.uidls ??= idsOf(all)
  if (args !== '') {
    const index = onlyMessage(session, args)
    if (typeof index === 'string') return session.say(index)
    // Renamed duplicates depend on those before them; Dovecot saves all of them then.
    const isRenaming = mail.settings.pop3_uidl_duplicates === 'rename'
    const ids = isRenaming ? idsOf(all) : idsOf(all.slice(index, index + 1))
    await saveUidls(session, isRenaming ? all : all.slice(index, index + 1), ids)
    return session.say(`+OK ${index + 1} ${ids.at(isRenaming ? index : 0) ?? ''}`)
  }
  const ids = idsOf(all)
  await saveUidls(session, all, ids)
  session.say('+OK')
  return await sayAll(session, (index) => ids[index] ?? '')
}

const NO_XUIDLS: ReadonlyMap<number, string> = new Map()

/** A line `number text` for every message that is not deleted, and the end mark. */
async function sayAll(session: PopSession, textOf: (index: number) => string): Promise<undefined> {
  let lines = ''
  let count = 0
  for (const index of session.left()) {
    lines += `${index + 1} ${textOf(index)}\r\n`
    if (++count % SERVER_LIMITS.batch !== 0) continue
    session.stream.write(lines)
    lines = ''
    await session.stream.drained()
  }
  session.stream.write(`${lines}.\r\n`)
}

/** The message that the arguments name and nothing else, from 0, or what is wrong with them. */
function onlyMessage(session: PopSession, args: string): number | string {
  const index = messageIndex(session, args)
  if (typeof index === 'string') return index
  return index.rest === '' ? index.value : `-ERR Noise after message number: ${index.rest}`
}
