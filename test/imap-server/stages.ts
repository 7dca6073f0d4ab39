import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMaildirFormat } from '../../src/storage/formats/maildir/index.ts'
import {
  mailboxBlock,
  memoryLocation,
  MemoryMail,
  memoryNamespace,
} from '../../src/storage/testing/open-memory-store.ts'
import { imapListeners, startDovecot } from '../peers/dovecot.ts'
import { startPostern } from '../peers/postern.ts'
import { FIXTURES, writeMaildir } from './fixtures.ts'
import { startInProcess } from './in-process.ts'
import type { Side, Transcript } from './transcript.ts'

/** A running server with a Maildir for every user who comes. */
export interface Theatre {
  readonly side: Side
  readonly port: number
  /** Where the Maildirs are. */
  readonly root: string
  /** Makes a user whose mailboxes are those of the transcript. */
  prepare(user: string, transcript: Transcript): void
  close(): Promise<void>
}

const PLUGINS = ['quota', 'imap_quota', 'imap_zlib']

/** Special-use mailboxes as in Dovecot's example configuration. */
const BOXES = [
  mailboxBlock('Drafts', { specialUse: ['\\Drafts'], auto: 'create' }),
  mailboxBlock('Sent', { specialUse: ['\\Sent'] }),
  mailboxBlock('Trash', { specialUse: ['\\Trash'], auto: 'subscribe' }),
]

/** Namespaces and the like, which only a whole server reads. */
export function hasSections(config: readonly string[]): boolean {
  return config.some((line) => line.includes('{'))
}

/** Our server in this process, on real Maildirs. */
export async function openOurs(config: readonly string[]): Promise<Theatre> {
  const root = mkdtempSync(join(tmpdir(), 'postern-imap-'))
  const mail = new MemoryMail(undefined, openMaildirFormat())
  const settings: Record<string, unknown> = {}
  for (const line of config) {
    const [key = '', value = ''] = line.split(/ = ?/)
    settings[key] = /^\d+$/.test(value) ? Number(value) : key === 'imap_client_workarounds' ? value.split(' ') : value
  }
  const server = await startInProcess({
    plugins: PLUGINS,
    settings,
    openStore: (user) => {
      const location = { ...memoryLocation(join(root, user)), layout: 'maildir++' }
      return mail.open(user, { namespaces: [memoryNamespace({ location, mailboxes: BOXES })], quota: QUOTA })
    },
  })
  return {
    side: 'postern',
    port: server.port,
    root,
    prepare: (user, transcript) => fillMail(join(root, user), transcript),
    async close() {
      await server.close()
      await mail.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

const QUOTA = {
  roots: () =>
    Promise.resolve([{ name: 'User quota', resources: [{ name: 'STORAGE' as const, usage: 0, limit: 10_240 }] }]),
  check: () => Promise.resolve(),
  changed: () => undefined,
}

/** Dovecot with the same settings. */
export function openDovecot(config: readonly string[]): Promise<Theatre> {
  return openServer('dovecot', config)
}

/** All of Postern: its own process, configuration, login and index files. */
export function openPostern(config: readonly string[]): Promise<Theatre> {
  return openServer('postern', config)
}

async function openServer(side: Side, config: readonly string[]): Promise<Theatre> {
  const root = mkdtempSync(join(tmpdir(), `${side}-imap-`))
  execFileSync('chmod', ['1777', root])
  const server = await (side === 'dovecot' ? startDovecot : startPostern)(
    ({ port }) => `protocols = imap
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:${root}/%u
mail_plugins = quota
protocol imap {
  mail_plugins = ${PLUGINS.join(' ')}
}
mail_max_userip_connections = 100
# A process for each connection is what costs the time.
service imap-login {
  service_count = 0
}
service imap {
  service_count = 500
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    special_use = \\Drafts
    auto = create
  }
  mailbox Sent {
    special_use = \\Sent
  }
  mailbox Trash {
    special_use = \\Trash
    auto = subscribe
  }
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=10M
}
passdb {
  driver = static
  args = password=x
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${root}/%u
}
${imapListeners(port)}
${config.join('\n')}
`,
  )
  return {
    side,
    port: server.ports['imap'] ?? 0,
    root,
    prepare(user, transcript) {
      fillMail(join(root, user), transcript)
      execFileSync('chown', ['-R', 'mail:mail', join(root, user)])
    },
    async close() {
      await server.stop()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

function fillMail(dir: string, { mailboxes, name }: Transcript): void {
  mkdirSync(dir, { recursive: true })
  const boxes = mailboxes.some((box) => box.name === 'INBOX')
    ? mailboxes
    : [{ name: 'INBOX', fixture: 'empty' }, ...mailboxes]
  for (const box of boxes) {
    const messages = FIXTURES.get(box.fixture)
    if (messages === undefined) throw new Error(`${name}: no fixture is called ${box.fixture}`)
    writeMaildir(dir, box.name, messages)
  }
}
