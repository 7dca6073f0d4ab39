import { createClient } from '@redis/client'
import { freePorts } from '../support/free-ports.ts'
import { ServerProcess } from '../support/server-process.ts'
import { makeTempDir } from '../support/temp-dir.ts'
import { type DatabasePeer, openDatabasePeer, skipWithoutPrograms } from './database.ts'

const SERVER = '/usr/bin/redis-server'

export function skipWithoutRedis(): false | string {
  return skipWithoutPrograms('redis', 'redis-server', [SERVER])
}

export interface RedisPeer extends DatabasePeer {
  /** Sets keys. */
  set(values: Readonly<Record<string, string>>): Promise<void>
}

/** Starts a private Redis on loopback with the password `secret`; what is set is on disk at once. */
export async function startRedis(): Promise<RedisPeer> {
  const dir = makeTempDir('redis')
  const [port = 0] = await freePorts(1)
  const settings = {
    port,
    bind: '127.0.0.1',
    dir,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
    requirepass: 'secret',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const peer = await openDatabasePeer({
    port,
    socket: '',
    dir,
    spawn: () => new ServerProcess({ command: SERVER, args }),
    ready: (server) => server.waitForLine(/Ready to accept connections/),
    run: () => Promise.reject(new Error('Redis has no query language')),
  })
  return {
    ...peer,
    async set(values) {
      const client = createClient({ socket: { host: '127.0.0.1', port }, password: 'secret' })
      client.on('error', () => undefined)
      await client.connect()
      for (const [key, value] of Object.entries(values)) await client.set(key, value)
      await client.close()
    },
  }
}
