import { cpuSeconds } from '../measure/cpu.ts'
import { LineClient } from '../mail/lines.ts'
import type { AclServer } from './servers.ts'

/** What one thing costs. */
export interface Cost {
  /** Milliseconds as the client waits. */
  readonly ms: number
  /** Milliseconds of CPU of all processes of the server. */
  readonly cpuMs: number
}

/** One row: what is done once, in a session that lasts or by itself. */
export interface AclRow {
  readonly key: string
  readonly what: string
  readonly begin: (server: AclServer) => Promise<{ once: () => Promise<void>; end: () => void }>
}

async function loggedIn(server: AclServer, user: string): Promise<LineClient> {
  const client = await LineClient.open(server.imap)
  await client.imap(`LOGIN ${user} pw`)
  return client
}

/** LIST in a session that asked before. */
function listAgain(user: string, what: string): AclRow {
  return {
    key: `list_${user}`,
    what: `LIST "" *, ${what}, again`,
    async begin(server) {
      const client = await loggedIn(server, user)
      await client.imap('LIST "" *')
      return { once: async () => void (await client.imap('LIST "" *')), end: () => client.close() }
    },
  }
}

/** LIST in a new session: LOGIN, LIST, LOGOUT. */
function listAnew(user: string, what: string): AclRow {
  return {
    key: `list_${user}_session`,
    what: `LOGIN, LIST "" *, ${what}`,
    begin: (server) =>
      Promise.resolve({
        async once() {
          const client = await loggedIn(server, user)
          await client.imap('LIST "" *')
          await client.imap('LOGOUT')
          client.close()
        },
        end: () => undefined,
      }),
  }
}

export const LIST_ROWS: readonly AclRow[] = [
  listAgain('joe', 'shared with joe by 50'),
  listAnew('joe', 'shared with joe by 50'),
  listAgain('jane', '50 of 10,000'),
  listAnew('jane', '50 of 10,000'),
]

function command(key: string, what: string, say: (turn: number) => string, mailbox = 'INBOX'): AclRow {
  return {
    key,
    what,
    async begin(server) {
      const client = await loggedIn(server, 'joe')
      await client.imap(`SELECT ${mailbox}`)
      let turn = 0
      return { once: async () => void (await client.imap(say(turn++))), end: () => client.close() }
    },
  }
}

/** Commands whose rights are checked, with the plugin and without. */
export const COMMAND_ROWS: readonly AclRow[] = [
  command('select', 'SELECT', (turn) => `SELECT ${turn % 2 === 0 ? 'Target' : 'INBOX'}`),
  command('fetch', 'FETCH of one message', (turn) => `FETCH ${(turn % 1000) + 1} (UID FLAGS BODY.PEEK[HEADER])`),
  command(
    'store',
    'STORE of one flag',
    (turn) => `STORE ${(turn % 1000) + 1} ${turn % 2000 < 1000 ? '+' : '-'}FLAGS.SILENT (\\Flagged)`,
  ),
  command('copy', 'COPY of one message', (turn) => `COPY ${(turn % 1000) + 1} Target`),
]

/** Times of the turns that fit into so many seconds, at least `atLeast` of them; the first, which warms up, left out. */
export async function measure(row: AclRow, server: AclServer, seconds: number, atLeast = 5): Promise<Cost> {
  const { once, end } = await row.begin(server)
  try {
    await once()
    const used = cpuSeconds([server.pid])
    const began = performance.now()
    let turns = 0
    while (turns < atLeast || performance.now() - began < seconds * 1000) {
      await once()
      turns += 1
    }
    return {
      ms: (performance.now() - began) / turns,
      cpuMs: ((cpuSeconds([server.pid]) - used) * 1000) / turns,
    }
  } finally {
    end()
  }
}

/** The first LIST that a server is asked for after its start. */
export async function measureFirst(server: AclServer, user: string): Promise<Cost> {
  const client = await loggedIn(server, user)
  try {
    const used = cpuSeconds([server.pid])
    const began = performance.now()
    await client.imap('LIST "" *')
    return { ms: performance.now() - began, cpuMs: (cpuSeconds([server.pid]) - used) * 1000 }
  } finally {
    client.close()
  }
}
