import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '../testing/system.ts'
import { PATIENCE_MS } from '../../../test/support/deadline.ts'
import { SqlError } from './client.ts'
import { mysqlDriver } from './mysql.ts'
import { pgsqlDriver } from './pgsql.ts'

for (const driver of [mysqlDriver, pgsqlDriver]) {
  test(`${driver.name}: a server that accepts and says nothing is given up after connect_timeout`, async (t) => {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const log: string[] = []
    const connect = `host=127.0.0.1 port=${port} dbname=x user=x password=x connect_timeout=1`
    const client = driver.open(connect, { clock: systemClock, log: (_, text) => void log.push(text) })
    t.after(() => client.close())
    const started = performance.now()
    await assert.rejects(
      client.query(() => 'SELECT 1', 1, AbortSignal.timeout(PATIENCE_MS)),
      (error) => error instanceof SqlError && error.message === 'Not connected to database',
    )
    assert.ok(performance.now() - started < PATIENCE_MS / 2)
    assert.match(log.join('\n'), /Connect failed to database \(x\): .* - waiting for 1 seconds before retry/)
  })

  test(`${driver.name}: a server that speaks another language is a failed connection`, async (t) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end('* OK IMAP4rev1 ready\r\n\0\0\0\0garbage')
    }).listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = driver.open(
      `host=127.0.0.1 port=${port} dbname=x user=x password=x connect_timeout=2 sslmode=disable`.replace(
        driver.name === 'mysql' ? ' sslmode=disable' : '',
        '',
      ),
      {
        clock: systemClock,
        log: () => undefined,
      },
    )
    t.after(() => client.close())
    await assert.rejects(
      client.query(() => 'SELECT 1', 1, AbortSignal.timeout(PATIENCE_MS)),
      SqlError,
    )
  })
}
