import { cold } from './cold.ts'
import { LineClient } from './lines.ts'
import type { MailServer } from './servers.ts'

/** One thing that is measured: how often a second it can be done. */
export interface MailRow {
  readonly key: string
  readonly what: string
  /** Connections at the same time. */
  readonly clients: number
  /** The servers have this `mail_fsync`; what Dovecot has when absent. */
  readonly fsync?: 'never'
  /** Makes what the clients need, each once. */
  readonly begin: (server: MailServer, index: number) => Promise<RowWork>
}

export interface RowWork {
  /** Before each turn; its time does not count. Only where there is one client. */
  readonly prepare?: () => void
  readonly once: () => Promise<number | void>
  /** Runs when its time is over. */
  readonly undo: () => Promise<void>
}

async function loggedIn(server: MailServer, mailbox = 'INBOX'): Promise<LineClient> {
  const client = await LineClient.open(server.imap)
  await client.imap('LOGIN joe pw')
  if (mailbox !== '') await client.imap(`SELECT ${mailbox}`)
  return client
}

/** A command again and again on one selected mailbox; turns are counted on from round to round. */
function repeated(key: string, what: string, command: (turn: number) => string, clients = 1): MailRow {
  const turns = new Map<string, number>()
  return {
    key,
    what,
    clients,
    async begin(server) {
      const client = await loggedIn(server)
      return {
        async once() {
          const turn = turns.get(server.name) ?? 0
          turns.set(server.name, turn + 1)
          await client.imap(command(turn))
        },
        undo: async () => await Promise.resolve(client.close()),
      }
    },
  }
}

const LETTER = `From: joe@example.org\r\nSubject: bench\r\n\r\n${'0123456789012345678901234567890123456789012345678901234567890123456789\r\n'.repeat(56)}`

function logins(clients: number): MailRow {
  return {
    key: `login_select_${clients}`,
    what: 'LOGIN, SELECT, LOGOUT',
    clients,
    begin: async (server) =>
      await Promise.resolve({
        async once() {
          const client = await loggedIn(server)
          await client.imap('LOGOUT')
          client.close()
        },
        undo: async () => {},
      }),
  }
}

/** Dovecot may say of one that others are made beside, or was deleted just before, that it exists; it does then. */
async function create(client: LineClient, name: string): Promise<void> {
  await client.imap(`CREATE ${name}`).catch((error: unknown) => {
    if (!String(error).includes('[ALREADYEXISTS]')) throw error
  })
}

interface AppendOptions {
  readonly fsync?: 'never'
  /** Everybody saves in the same mailbox; otherwise each has one of his own. */
  readonly shared?: true
}

function appends(clients: number, { fsync, shared }: AppendOptions = {}): MailRow {
  return {
    key: `append_${clients}${shared === undefined ? '' : '_shared'}${fsync === undefined ? '' : '_nosync'}`,
    what: `APPEND of 4 KB${shared === undefined ? '' : ' to one mailbox'}, ${fsync === undefined ? 'fsynced' : 'mail_fsync = never'}`,
    clients,
    ...(fsync === undefined ? {} : { fsync }),
    async begin(server, index) {
      const client = await loggedIn(server, '')
      const name = shared === undefined ? `Append${index}` : 'Append'
      await create(client, name)
      return {
        once: async () => void (await client.imap(`APPEND ${name} {${LETTER.length}+}\r\n${LETTER}`)),
        async undo() {
          if (shared === undefined || index === 0) await client.imap(`DELETE ${name}`)
          client.close()
        },
      }
    },
  }
}

const COPY: MailRow = {
  key: 'copy_1000',
  what: 'COPY of 1,000 messages',
  clients: 1,
  async begin(server) {
    const client = await loggedIn(server)
    let number = 0
    return {
      once: async () => {
        await client.imap(`CREATE Copy${++number}`)
        await client.imap(`COPY 1:1000 Copy${number}`)
      },
      async undo() {
        for (; number > 0; number--) await client.imap(`DELETE Copy${number}`)
        client.close()
      },
    }
  },
}

function deliveries(clients: number): MailRow {
  return {
    key: `lmtp_${clients}`,
    what: 'LMTP delivery of 4 KB',
    clients,
    async begin(server, index) {
      const client = await LineClient.open(server.lmtp)
      await client.say('LHLO bench\r\n', /^250 [^\r]*\r\n$/m)
      const envelope = `MAIL FROM:<a@example.org>\r\nRCPT TO:<lmtp${index}>\r\nDATA\r\n`
      return {
        async once() {
          await client.say(envelope, /^354 [^\r]*\r\n$/m)
          const line = await client.say(`${LETTER}.\r\n`, /^[245]\d\d [^\r]*\r\n$/m)
          if (!line.startsWith('250')) throw new Error(line)
        },
        undo: async () => await Promise.resolve(client.close()),
      }
    },
  }
}

/** What docs/performance.md promises to measure, in its order. */
export const MAIL_ROWS: readonly MailRow[] = [
  logins(1),
  logins(32),
  repeated('select', 'SELECT of 10,000 messages', () => 'SELECT INBOX'),
  repeated('fetch_flags', 'FETCH 1:* (FLAGS), warm', () => 'FETCH 1:* (FLAGS)'),
  cold('fetch_flags_cold', 'SELECT and FETCH 1:* (FLAGS), cold', 'FETCH 1:* (FLAGS)'),
  repeated('fetch_envelope', 'FETCH 1:* (ENVELOPE), warm', () => 'FETCH 1:* (ENVELOPE)'),
  cold('fetch_envelope_cold', 'SELECT and FETCH 1:* (ENVELOPE), cold', 'FETCH 1:* (ENVELOPE)'),
  repeated('fetch_body', 'FETCH 1:1000 (BODY.PEEK[]), warm', () => 'FETCH 1:1000 (BODY.PEEK[])'),
  cold('fetch_body_cold', 'SELECT and FETCH 1:1000 (BODY.PEEK[]), cold', 'FETCH 1:1000 (BODY.PEEK[])'),
  repeated('search_subject', 'SEARCH SUBJECT', () => 'SEARCH SUBJECT "project 7"'),
  repeated('search_text', 'SEARCH TEXT', () => 'SEARCH TEXT "no such words"'),
  repeated(
    'store',
    'STORE of one flag',
    // Each time round the other way: a flag that is set already costs next to nothing.
    (turn) => `STORE ${1 + (turn % 5000)} ${Math.floor(turn / 5000) % 2 === 0 ? '+' : '-'}FLAGS (\\Flagged)`,
  ),
  repeated('noop', 'NOOP', () => 'NOOP'),
  appends(1),
  appends(16),
  appends(16, { shared: true }),
  appends(1, { fsync: 'never' }),
  appends(16, { fsync: 'never' }),
  COPY,
  deliveries(1),
  deliveries(16),
]
