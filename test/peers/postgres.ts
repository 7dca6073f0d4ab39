import { chownSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../support/free-ports.ts'
import { ServerProcess } from '../support/server-process.ts'
import { makeTempDir } from '../support/temp-dir.ts'
import { type DatabasePeer, openDatabasePeer, runProgram, skipWithoutPrograms } from './database.ts'

const PROGRAMS = '/usr/lib/postgresql/*/bin'
const SETPRIV = '/usr/bin/setpriv'

export function skipWithoutPostgres(): false | string {
  return skipWithoutPrograms('postgres', 'postgresql', [
    `${PROGRAMS}/postgres`,
    `${PROGRAMS}/initdb`,
    `${PROGRAMS}/psql`,
    SETPRIV,
  ])
}

/** Starts a private PostgreSQL on loopback, as the user of its package. `postgres` comes by the socket without a password. */
export async function startPostgres(options: readonly string[] = []): Promise<DatabasePeer> {
  const dir = makeTempDir('pg')
  const ids = /^postgres:[^:]*:(\d+):(\d+)/m.exec(readFileSync('/etc/passwd', 'utf8'))
  chownSync(dir, Number(ids?.[1]), Number(ids?.[2]))
  const data = join(dir, 'data')
  const program = (name: string): string => globSync(`${PROGRAMS}/${name}`).sort().at(-1) ?? name
  // It refuses to run as root.
  const asPostgres = (command: string, args: readonly string[]): string[] => [
    '--reuid=postgres',
    '--regid=postgres',
    '--clear-groups',
    command,
    ...args,
  ]
  await runProgram(
    SETPRIV,
    asPostgres(program('initdb'), [
      '-D',
      data,
      '-U',
      'postgres',
      '--auth-local=trust',
      '--auth-host=scram-sha-256',
      '--no-sync',
      '--encoding=UTF8',
      '--locale=C',
    ]),
  )
  const [port = 0] = await freePorts(1)
  const settings = [
    'fsync=off',
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${dir}`,
    'shared_buffers=16MB',
    ...options,
  ]
  const args = asPostgres(program('postgres'), [
    '-D',
    data,
    '-p',
    String(port),
    ...settings.flatMap((setting) => ['-c', setting]),
  ])
  return await openDatabasePeer({
    port,
    socket: dir,
    dir,
    spawn: () => new ServerProcess({ command: SETPRIV, args }),
    ready: (server) => server.waitForLine(/ready to accept connections/),
    run: (sql, database = 'postgres') =>
      runProgram(
        program('psql'),
        ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', dir, '-p', String(port), '-U', 'postgres', '-d', database],
        sql,
      ),
  })
}
