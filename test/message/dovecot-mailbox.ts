import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { startDovecotBackend } from '../peers/dovecot-backend.ts'
import type { CorpusMessage } from './corpus/corpus-message.ts'

/** A real Dovecot with a mailbox that holds the given messages, UID 1 being the first. */
export interface DovecotMailbox {
  /** Sends commands all at once, the nth behind the tag `tn`, from 1 on. Untagged replies, in the order they came. */
  ask(commands: readonly string[]): Promise<Buffer[]>
  stop(): Promise<void>
}

/** Starts it, with the messages in the INBOX of joe. */
export async function startDovecotMailbox(messages: readonly CorpusMessage[]): Promise<DovecotMailbox> {
  const dovecot = await startDovecotBackend('mail_fsync = never')
  fillMaildir(join(dovecot.dir, 'mail', 'joe'), messages)
  const port = dovecot.ports['imap'] ?? 0
  return {
    ask: (commands) => askAll(port, commands),
    stop: () => dovecot.stop(),
  }
}

function fillMaildir(dir: string, messages: readonly CorpusMessage[]): void {
  for (const sub of ['', 'cur', 'new', 'tmp']) {
    mkdirSync(join(dir, sub))
    chmodSync(join(dir, sub), 0o777)
  }
  const names = messages.map((_, at) => `1700000000.M${String(at).padStart(6, '0')}P1.host`)
  for (const [at, { bytes }] of messages.entries()) writeFileSync(join(dir, 'cur', `${names[at]}:2,`), bytes)
  const rows = names.map((name, at) => `${at + 1} :${name}\n`)
  writeFileSync(
    join(dir, 'dovecot-uidlist'),
    `3 V1700000000 N${messages.length + 1} G0123456789abcdef0123456789abcdef\n${rows.join('')}`,
  )
  chmodSync(join(dir, 'dovecot-uidlist'), 0o666)
}

async function askAll(port: number, commands: readonly string[]): Promise<Buffer[]> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(30_000, () => socket.destroy(new Error('Dovecot does not answer')))
  socket.write('login LOGIN joe secret\r\n')
  const all = ['SELECT INBOX', ...commands]
  const chunks: Buffer[] = []
  let begun = false
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer)
    // The login process takes no more than it needs: the commands wait for the mail process.
    if (begun || !Buffer.concat(chunks).includes('login OK')) continue
    begun = true
    const lines = all.map((command, at) => `t${at} ${command}\r\n`)
    socket.write(Buffer.from(`${lines.join('')}bye LOGOUT\r\n`, 'latin1'))
  }
  return untaggedReplies(Buffer.concat(chunks), all)
}

/** Untagged replies, literals not mistaken for lines. Throws the first tagged reply that is no OK. */
function untaggedReplies(bytes: Buffer, commands: readonly string[]): Buffer[] {
  const replies: Buffer[] = []
  let start = 0
  let done = 0
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n', at)
    const size = /\{(\d+)\}$/.exec(bytes.toString('latin1', Math.max(at, end - 20), end))
    at = end + 2
    if (size !== null) {
      at += Number(size[1])
      continue
    }
    const reply = bytes.subarray(start, end)
    start = at
    const tagged = /^t(\d+) (OK)?/.exec(reply.toString('latin1', 0, 20))
    if (tagged === null) replies.push(reply)
    else if (tagged[2] === 'OK') done++
    else throw new Error(`${commands[Number(tagged[1])]}: ${reply.toString('latin1')}`)
  }
  if (done < commands.length) throw new Error(`Dovecot left after ${done} of ${commands.length} commands`)
  return replies
}
