import { chmodSync } from 'node:fs'
import { hostname } from 'node:os'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../config/config.ts'
import { SocketStream } from '../../net/socket-stream.ts'
import type { Observer } from '../../observe/events.ts'
import { sentence } from '../../observe/sentences.ts'
import { loginProtocols } from '../../protocols/index.ts'
import { systemFiles } from '../config-files.ts'
import { throughSnapshot } from '../config-snapshot.ts'
import type { ConfigSource } from '../messages.ts'
import { becomeOwner } from './become-owner.ts'
import type { FromMailWorker, ToMailWorker } from './mail-workers.ts'
import { openMailHost } from './open-mail-host.ts'
import { ownerOrNobody } from './owner-lookup.ts'
import { OwnerQuestions } from './owner-questions.ts'
import { serveMailSocket } from './serve-mail-socket.ts'
import { openStoreContext } from './store-context.ts'
import { systemHome } from './system-homes.ts'

/**
 * The entry of a process that has the rights of one owner of mail and no others. Its socket is opened while it may still do that;
 * before the first connection is served it has become the owner, for good.
 */

/** Without a session for this long, the process is not needed. */
const IDLE_MS = 60_000

const stopping = new AbortController()
const owners = new OwnerQuestions((question) => tell({ kind: 'owner', question }))
let config: Config | undefined
let sessions = 0
let idle: NodeJS.Timeout | undefined

const observer: Observer = {
  emit(name, fields) {
    const line = sentence(name, fields)
    if (line !== undefined) observer.log(line.level, line.service, line.text)
  },
  log: (level, service, text) => tell({ kind: 'log', level, service, text }),
}

function tell(message: FromMailWorker): void {
  process.send?.(message, undefined, undefined, () => undefined)
}

function logFault(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  observer.log('error', 'mail', `BUG: ${text}`)
}

function read({ path, overrides, snapshot }: ConfigSource): Config {
  const files = throughSnapshot(snapshot, systemFiles())
  const { config: read } = loadConfig({ path, files, overrides, hostname: hostname() })
  if (read === undefined) throw new Error('configuration has errors')
  return read
}

async function begin({ owner, path, source }: Extract<ToMailWorker, { kind: 'begin' }>): Promise<void> {
  config = read(source)
  const host = openMailHost({
    config: () => currentConfig(),
    observer,
    context: openStoreContext(),
    systemHome,
    lookupOwner: (owner, route) => ownerOrNobody(owners.ask(owner, route)),
  })
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clearTimeout(idle)
    sessions++
    const needs = { host, protocols: loginProtocols, stopping: stopping.signal, logFault }
    void serveMailSocket(new SocketStream(socket), needs).then(left)
  })
  const umask = process.umask(0o177)
  server.listen(path)
  await once(server, 'listening')
  chmodSync(path, 0o600)
  process.umask(umask)
  becomeOwner(owner)
  const left = (): void => {
    sessions--
    if (sessions === 0) idle = setTimeout(leave, IDLE_MS)
  }
  const leave = (): void => {
    tell({ kind: 'leaving' })
    // Somebody may have asked for the socket a moment ago.
    setTimeout(() => void end(), LINGER_MS)
  }
  const end = async (): Promise<void> => {
    if (sessions > 0) return void (idle = setTimeout(() => void end(), LINGER_MS))
    server.close()
    await host.close()
    process.exit(0)
  }
  idle = setTimeout(leave, IDLE_MS)
  tell({ kind: 'ready' })
}

const LINGER_MS = 5_000

function currentConfig(): Config {
  if (config === undefined) throw new Error('a session came before the configuration')
  return config
}

async function onMessage(message: ToMailWorker): Promise<void> {
  switch (message.kind) {
    case 'begin':
      try {
        await begin(message)
      } catch (error) {
        tell({ kind: 'failed', error: error instanceof Error ? error.message : String(error) })
      }
      return
    case 'config':
      config = read(message.source)
      return
    case 'owner':
      owners.hear(message.reply)
      return
    case 'stop':
      stopping.abort()
      for (const until = Date.now() + message.graceMs; sessions > 0 && Date.now() < until; ) await pause()
      process.exit(0)
  }
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50))
}

process.on('message', (message: ToMailWorker) => void onMessage(message).catch(logFault))
process.on('disconnect', () => process.exit(0))
process.on('uncaughtException', logFault)
process.on('unhandledRejection', logFault)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined)
