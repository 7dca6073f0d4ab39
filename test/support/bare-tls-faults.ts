import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import type { TestContext } from 'node:test'
import { connect } from 'node:tls'
import { skipWithoutBare } from './bare-pair.ts'
import { type BareTlsEnd, bareTlsEnd, type TlsVersion } from './bare-tls-pair.ts'
import { turn, until } from './until.ts'

/** A warning in clear (RFC 8446 section 6.1). */
export const CLOSE_NOTIFY = Buffer.from('15030300020100', 'hex')
/** handshake_failure, in clear. */
export const FATAL_ALERT = Buffer.from('15030300020228', 'hex')

export async function turns(count: number): Promise<void> {
  for (let number = 0; number < count; number++) await turn()
}

/** What a client says first, in records. */
export async function clientHello(maxVersion: TlsVersion, servername = 'imap.example.org'): Promise<Buffer> {
  const [inner, side] = duplexPair()
  const client = connect({ socket: side, maxVersion, servername, rejectUnauthorized: false })
  client.on('error', () => undefined)
  const [hello] = (await once(inner, 'data')) as [Buffer]
  client.destroy()
  return hello
}

/** It is told closed once, and nothing stays. */
export async function closedOnce({ told, near, under }: BareTlsEnd, news: RegExp, why: string): Promise<void> {
  await until(`closed: ${why}`, () => told.news.includes('close'))
  await turns(3)
  assert.match(told.news.join(), news, why)
  assert.equal(told.news.filter((what) => what === 'close').length, 1, why)
  assert.deepEqual([near.destroyed, near.writableLength, under.destroyed], [true, 0, true], why)
}

/** The program as the client, behind its handshake. `say`: its standard input, which has commands. */
export async function opensslClient(
  t: TestContext,
  ...args: string[]
): Promise<BareTlsEnd & { say: (text: string) => void; complained: () => string }> {
  const end = await bareTlsEnd(t)
  // Between the program and the connection, which there is already.
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const program = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args], {
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let complaints = ''
  program.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString('latin1')
  })
  program.stdin.on('error', () => undefined)
  t.after(() => program.kill())
  const [side] = (await once(server, 'connection')) as [Socket]
  side.on('error', () => undefined)
  side.pipe(end.far).pipe(side)
  end.near.resume()
  await until('the handshake', () => end.told.news.includes('secure'))
  return { ...end, say: (text) => program.stdin.write(text), complained: () => complaints }
}

const hasOpenssl = await new Promise<boolean>((resolve) => {
  const found = spawn('openssl', ['version'], { stdio: 'ignore' })
  found.on('error', () => resolve(false))
  found.on('exit', (code) => resolve(code === 0))
})

/** For tests with the program. */
export const skipWithoutOpenssl = skipWithoutBare === false && !hasOpenssl ? 'no openssl program' : skipWithoutBare
