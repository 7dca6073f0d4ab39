import { chownSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LineClient } from './lines.ts'
import type { MailRow } from './rows.ts'
import { type MailServer, OWNER } from './servers.ts'

/** A command in a mailbox that the server has never seen before, with its SELECT: nothing is known of its messages. */
export function cold(key: string, what: string, command: string): MailRow {
  let number = 0
  return {
    key,
    what,
    clients: 1,
    async begin(server) {
      const client = await LineClient.open(server.imap)
      await client.imap('LOGIN joe pw')
      const names: string[] = []
      return {
        prepare() {
          names.push(`${key}_${++number}`)
          linkInbox(server, names.at(-1) ?? '')
        },
        async once() {
          await client.imap(`SELECT ${names.at(-1)}`)
          await client.imap(command)
        },
        async undo() {
          client.close()
          for (const name of names) rmSync(join(server.mail, `.${name}`), { recursive: true })
          await Promise.resolve()
        },
      }
    },
  }
}

/** Another mailbox with the messages of INBOX, as another program would make it: files, and nothing about them. */
function linkInbox(server: MailServer, name: string): void {
  const target = join(server.mail, `.${name}`)
  for (const part of ['', 'cur', 'new', 'tmp']) {
    mkdirSync(join(target, part))
    chownSync(join(target, part), OWNER.uid, OWNER.gid)
  }
  for (const part of ['cur', 'new']) {
    const from = join(server.mail, part)
    // One that is renamed or gone in the meantime is left out.
    for (const file of readdirSync(from))
      if (existsSync(join(from, file))) linkSync(join(from, file), join(target, part, file))
  }
}
