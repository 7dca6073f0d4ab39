import { chmodSync } from 'node:fs'
import { hostname } from 'node:os'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../config/config.ts'
import { handlePipes } from '../../net/handle-pipe.ts'
import { SocketStream } from '../../net/socket-stream.ts'
import type { Observer } from '../../observe/events.ts'
import { sentence } from '../../observe/sentences.ts'
import { loginProtocols } from '../../protocols/index.ts'
import { systemFiles } from '../config-files.ts'
import { throughSnapshot } from '../config-snapshot.ts'
import { optimizeEarly } from '../engine.ts'
import type { ConfigSource } from '../messages.ts'
import { becomeOwner } from './become-owner.ts'
import { groupId } from './system-ids.ts'
import { IdleExit } from './idle-exit.ts'
import { LineBatch } from './line-batch.ts'
import type { FromMailWorker, ToMailWorker } from './mail-workers.ts'
import { openMailHost } from './open-mail-host.ts'
import { ownerOrNobody } from './owner-lookup.ts'
import { OwnerQuestions } from './owner-questions.ts'
import { sessionPipePath } from './mail-wire.ts'
import { type MailSocketNeeds, serveMailSocket } from './serve-mail-socket.ts'
import { serveSessionPipe } from './serve-session-pipe.ts'
import { openStoreContext } from './store-context.ts'
import { systemHome } from './system-homes.ts'

/**
 * The entry of a process that has the rights of one owner of mail and no others. Its socket is opened while it may still do that;
 * before the first connection is served it has become the owner, for good.
 */

optimizeEarly()
const stopping = new AbortController()
const owners = new OwnerQuestions((questions) => tell({ kind: 'owners', questions }))
let config: Config | undefined
let presence: IdleExit | undefined

const observer: Observer = {
  emit(name, fields) {
    const line = sentence(name, fields)
    if (line !== undefined) observer.log(line.level, line.service, line.text)
  },
  log: (level, service, text) => lines.add({ level, service, text }),
}
const lines = new LineBatch((batch) => tell({ kind: 'log', lines: batch }))

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

async function begin({ owner, path, source, idleMs }: Extract<ToMailWorker, { kind: 'begin' }>): Promise<void> {
  config = read(source)
  const places: { close(): unknown }[] = []
  const host = openMailHost({
    config: () => currentConfig(),
    observer,
    context: openStoreContext(),
    systemHome,
    lookupOwner: (owner, route) => ownerOrNobody(owners.ask(owner, route)),
  })
  const needs: MailSocketNeeds = {
    host,
    protocols: loginProtocols,
    stopping: stopping.signal,
    logFault,
    presence: new IdleExit({
      idleMs,
      onLeaving: () => {
        tell({ kind: 'leaving' })
        // Who knows only this place learns it so, and asks the supervisor for another.
        for (const place of places) place.close()
      },
      onEnd: () => void end(),
    }),
  }
  presence = needs.presence
  const server = createServer(
    { allowHalfOpen: true },
    (socket) => void serveMailSocket(new SocketStream(socket), needs),
  )
  const umask = process.umask(0o177)
  server.listen(path)
  await once(server, 'listening')
  chmodSync(path, 0o600)
  places.push(server)
  const pipeServer = handlePipes?.listen(sessionPipePath(path), (pipe) => serveSessionPipe(pipe, needs))
  if (pipeServer !== undefined) places.push(pipeServer)
  process.umask(umask)
  becomeOwner(owner, await accessGroups(currentConfig().settings({ protocol: 'imap' }).mail_access_groups))
  const end = async (): Promise<void> => {
    await host.close()
    lines.flush()
    process.exit(0)
  }
  tell({ kind: 'ready' })
}

/** Numbers of groups; one that is not there is told, and left out. */
async function accessGroups(names: readonly string[]): Promise<readonly number[]> {
  const gids: number[] = []
  for (const name of names) {
    const gid = /^\d+$/.test(name) ? Number(name) : await groupId(name)
    if (gid === undefined) observer.log('error', 'mail', `mail_access_groups: no group is called ${name}`)
    else gids.push(gid)
  }
  return gids
}

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
    case 'owners':
      owners.hear(message.replies)
      return
    case 'stop':
      stopping.abort()
      for (const until = Date.now() + message.graceMs; isUsed() && Date.now() < until; ) await pause()
      lines.flush()
      process.exit(0)
  }
}

function isUsed(): boolean {
  return presence !== undefined && presence.users > 0
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50))
}

process.on('message', (message: ToMailWorker) => void onMessage(message).catch(logFault))
process.on('disconnect', () => process.exit(0))
process.on('uncaughtException', logFault)
process.on('unhandledRejection', logFault)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined)
