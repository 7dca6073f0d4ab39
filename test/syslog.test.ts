import assert from 'node:assert/strict'
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { imapListeners } from './peers/dovecot.ts'
import { startPostern } from './peers/postern.ts'
import type { Place } from './peers/config-text.ts'
import { launch, type Started } from './peers/started.ts'
import { connectRaw } from './support/raw-client.ts'
import { PATIENCE_MS, within } from './support/deadline.ts'
import { ServerProcess } from './support/server-process.ts'

const SOCKET = '/dev/log'
const DOVECOT = '/usr/sbin/dovecot'
const skip =
  (!existsSync(DOVECOT) && 'dovecot-core is not installed') ||
  (process.getuid?.() !== 0 && 'needs root, to be the system log') ||
  (existsSync(SOCKET) && 'the machine has a system log, which is not to be disturbed')

const AF_UNIX = 1
const SOCK_DGRAM = 2
const MSG_DONTWAIT = 0x40
const LINE_BYTES = 8192
const LOOK_EVERY_MS = 10

type Native = (...args: unknown[]) => number

/** The socket that syslog(3) writes to; Node has no datagram sockets of this kind. */
class SystemLog {
  readonly lines: string[] = []
  readonly #fd: number
  readonly #recv: Native
  readonly #close: Native
  readonly #timer: NodeJS.Timeout
  #wake: () => void = () => {}
  #closed = false

  constructor() {
    const koffi = createRequire(import.meta.url)('koffi') as {
      load(path: string): { func(signature: string): Native }
    }
    const libc = koffi.load('libc.so.6')
    const socket = libc.func('int socket(int domain, int type, int protocol)')
    const bind = libc.func('int bind(int fd, void *address, uint length)')
    this.#recv = libc.func('long recv(int fd, _Out_ void *buffer, size_t length, int flags)')
    this.#close = libc.func('int close(int fd)')
    this.#fd = socket(AF_UNIX, SOCK_DGRAM, 0)
    const address = Buffer.from(`\0\0${SOCKET}\0`)
    address.writeUInt16LE(AF_UNIX)
    assert.equal(bind(this.#fd, address, address.length), 0, 'bind')
    // Whoever writes to a system log that nobody reads stands still, whichever test started him.
    this.#timer = setInterval(() => this.#readAll(), LOOK_EVERY_MS)
  }

  async waitFor(wanted: RegExp): Promise<string> {
    const found = Promise.withResolvers<string>()
    this.#wake = () => {
      const line = this.lines.find((text) => wanted.test(text))
      if (line !== undefined) found.resolve(line)
    }
    this.#wake()
    return await within(PATIENCE_MS, () => `no line ${String(wanted)} in\n${this.lines.join('\n')}`, found.promise)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    this.#close(this.#fd)
    rmSync(SOCKET, { force: true })
  }

  #readAll(): void {
    const buffer = Buffer.alloc(LINE_BYTES)
    for (;;) {
      const length = this.#recv(this.#fd, buffer, buffer.length, MSG_DONTWAIT)
      if (length <= 0) return this.#wake()
      this.lines.push(buffer.toString('utf8', 0, length))
    }
  }
}

const config = ({ port }: Place): string => `protocols = imap
log_path = syslog
syslog_facility = local3
disable_plaintext_auth = no
auth_verbose = yes
${imapListeners(port)}passdb {
  driver = static
  args = password=right
}
`

/** Dovecot says that it is ready where it says everything else. */
function startDovecot(log: SystemLog): Promise<Started> {
  return launch({
    name: 'dovecot',
    config: (place) =>
      `base_dir = ${place.dir}/run\nlisten = 127.0.0.1\nssl = no\nauth_failure_delay = 0\n${config(place)}`,
    start(text, dir) {
      const file = join(dir, 'dovecot.conf')
      writeFileSync(file, text)
      chmodSync(file, 0o644)
      return new ServerProcess({ command: DOVECOT, args: ['-F', '-c', file] })
    },
    patienceMs: 0,
    ready: () => log.waitFor(/dovecot: master: Dovecot v.* starting up/),
  })
}

/** The line of a wrong password, without what differs from login to login. */
async function failedLogin(log: SystemLog, server: Started): Promise<string> {
  const client = await connectRaw({ port: server.ports['imap'] ?? 0 })
  client.send('a LOGIN joe wrong')
  const line = await log.waitFor(/Password mismatch/)
  client.destroy()
  return line.replace(/> ?\w{3} [ \d]\d \d\d:\d\d:\d\d /, '> ').replace(/,<[^>]+>/, ',<session>')
}

test('log_path = syslog tells the system log what Dovecot tells it', { skip }, async (t) => {
  const lines: string[] = []
  for (const start of [startDovecot, () => startPostern(config)]) {
    const log = new SystemLog()
    t.after(() => log.close())
    const server = await start(log)
    t.after(() => server.stop())
    lines.push(await failedLogin(log, server))
    await server.stop()
    log.close()
  }
  assert.deepEqual(lines[1], lines[0])
  assert.match(lines[0] ?? '', /^<158>/)
})
