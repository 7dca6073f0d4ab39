import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { launch } from '../peers/started.ts'
import { startScriptedBackend } from '../peers/scripted-backend.ts'
import { eventually } from '../support/control.ts'
import { BARE_ARGS } from '../support/bare-mode.ts'
import { connectRaw } from '../support/raw-client.ts'
import { ServerProcess } from '../support/server-process.ts'
import { userIds } from '../support/user-ids.ts'
import { echo } from './sample.ts'

/** A proxy that never was root: docs/guide/administering.md says how it is started. */

const USER = 'nobody'
const SETPRIV = '/usr/bin/setpriv'
const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'postern.js')
/** An address of this machine where nobody serves mail, and no other run of this test either. */
const HOST = `127.93.${(process.pid >> 8) & 255}.${process.pid & 255}`
/** Below 1024, and nobody's. */
const PRIVILEGED_PORT = 879

/** What systemd does with `User=` and `AmbientCapabilities=CAP_NET_BIND_SERVICE`. */
function asUser(command: readonly string[]): string[] {
  const [uid, gid] = userIds(USER)
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  return [...ids, '--inh-caps=+net_bind_service', '--ambient-caps=+net_bind_service', '--no-new-privs', ...command]
}

function whyNot(): false | string {
  if (process.getuid?.() !== 0) return 'only root can give rights away'
  if (!existsSync(SETPRIV)) return 'setpriv is not installed (Debian: apt-get install util-linux)'
  const { status } = spawnSync(SETPRIV, asUser([process.execPath, ENTRY, '--version']))
  return status === 0 ? false : `${USER} may not run this checkout, or may not be given CAP_NET_BIND_SERVICE here`
}

test('a proxy that is not root takes a port below 1024, proxies, reloads, and opens its log anew', {
  skip: whyNot(),
}, async (t) => {
  const backend = await startScriptedBackend(echo)
  t.after(() => backend.close())
  const server = await launch({
    name: 'without-root',
    config({ dir }) {
      chownSync(dir, ...userIds(USER))
      return `base_dir = ${dir}/run
state_dir = ${dir}/run
log_path = ${dir}/log
listen = ${HOST}
ssl = no
protocols = imap
login_greeting = one
disable_plaintext_auth = no
postern_workers = 2
service imap-login {
  inet_listener imap {
    port = ${PRIVILEGED_PORT}
  }
  inet_listener imaps {
    port = 0
  }
}
passdb {
  driver = static
  args = nopassword=y proxy=y host=127.0.0.1 port=${backend.port}
}
`
    },
    start(text, dir) {
      const file = join(dir, 'dovecot.conf')
      writeFileSync(file, text)
      const command = asUser([process.execPath, ENTRY, 'serve', '-c', file, ...BARE_ARGS])
      return new ServerProcess({ command: SETPRIV, args: command })
    },
    ready: (process) => process.waitForLine(/^postern ready: /),
  })
  t.after(() => server.stop())
  const [uid] = userIds(USER)
  const workers = childrenOf(server.pid)
  assert.equal(workers.length, 2)
  assert.deepEqual(
    [server.pid, ...workers].map((pid) => uidsOf(pid)),
    Array.from({ length: 3 }, () => Array.from({ length: 4 }, () => uid)),
  )
  const client = await logIn('one')
  t.after(() => client.destroy())

  const config = join(server.dir, 'dovecot.conf')
  writeFileSync(config, readFileSync(config, 'utf8').replace('login_greeting = one', 'login_greeting = two'))
  server.signal('SIGHUP')
  const log = join(server.dir, 'log')
  await eventually('the reload is told', () => readFileSync(log, 'utf8').includes('reloaded'))
  const next = await logIn('two')
  t.after(() => next.destroy())
  renameSync(log, `${log}.1`)
  server.signal('SIGUSR1')
  await eventually('the log is there again', () => existsSync(log))
  client.send('a still here')
  await client.expect('A STILL HERE')
  assert.doesNotMatch(readFileSync(`${log}.1`, 'utf8'), /: (Error|Fatal|Panic): /)
})

async function logIn(greeting: string): ReturnType<typeof connectRaw> {
  const client = await connectRaw({ host: HOST, port: PRIVILEGED_PORT })
  await client.expect(new RegExp(`${greeting}$`))
  client.send('a LOGIN joe secret')
  await client.expect(/^a OK /)
  return client
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

/** Real, effective, saved and that of files. */
function uidsOf(pid: number): readonly number[] {
  const [, ids = ''] = /^Uid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return ids.split('\t').map(Number)
}
