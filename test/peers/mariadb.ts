import { chownSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../support/free-ports.ts'
import { ServerProcess } from '../support/server-process.ts'
import { makeTempDir } from '../support/temp-dir.ts'
import { type DatabasePeer, openDatabasePeer, runProgram, skipWithoutPrograms } from './database.ts'

const SERVER = '/usr/sbin/mariadbd'
const INSTALL = '/usr/bin/mariadb-install-db'
const CLIENT = '/usr/bin/mariadb'

export function skipWithoutMariadb(): false | string {
  return skipWithoutPrograms('mariadb', 'mariadb-server', [SERVER, INSTALL, CLIENT])
}

/** Starts a private MariaDB on loopback, as the user of its package. `root` has no password and comes by the socket. */
export async function startMariadb(options: readonly string[] = []): Promise<DatabasePeer> {
  const dir = makeTempDir('mariadb')
  // Its socket and data must lie in a directory that its user owns.
  const [, , uid, gid] = userLine('mysql')
  chownSync(dir, Number(uid), Number(gid))
  const data = join(dir, 'data')
  const socket = join(dir, 's')
  await runProgram(INSTALL, [
    '--no-defaults',
    '--user=mysql',
    `--datadir=${data}`,
    // Two that are set up at once get in each other's way in /tmp.
    `--tmpdir=${dir}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ])
  const [port = 0] = await freePorts(1)
  const small = [
    '--innodb-buffer-pool-size=16M',
    '--innodb-log-file-size=8M',
    '--key-buffer-size=1M',
    '--performance-schema=off',
    '--innodb-flush-log-at-trx-commit=2',
  ]
  const args = [
    '--no-defaults',
    '--user=mysql',
    `--datadir=${data}`,
    `--tmpdir=${dir}`,
    `--socket=${socket}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    ...small,
    ...options,
  ]
  return await openDatabasePeer({
    port,
    socket,
    dir,
    spawn: () => new ServerProcess({ command: SERVER, args }),
    ready: (server) => server.waitForLine(/ready for connections/),
    run: (sql, database = 'mysql') =>
      runProgram(
        CLIENT,
        ['--no-defaults', `--socket=${socket}`, '--user=root', '--batch', '--default-character-set=utf8mb4', database],
        sql,
      ),
  })
}

function userLine(name: string): readonly string[] {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((user) => user.startsWith(`${name}:`))
  if (line === undefined) throw new Error(`no user ${name}`)
  return line.split(':')
}
