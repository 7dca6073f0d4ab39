import { performance } from 'node:perf_hooks'
import type { Settings } from '../config/config.ts'
import { RecentErrors } from '../admin/recent-errors.ts'
import type { ListenerPlan } from '../config/listeners.ts'
import type { LoginEnvironment } from '../login/environment.ts'
import { LoginHolds } from '../login/holds.ts'
import { createLoginService, type LoginService } from '../login/service.ts'
import { TlsContextCache } from '../net/tls-cache.ts'
import type { Metrics } from '../observe/metrics.ts'
import { loginProtocols } from '../protocols/index.ts'
import type { BackendNews } from '../proxy/hosts.ts'
import { createProxy, type Proxy } from '../proxy/proxy.ts'
import { buildGeneration, type Generation } from './generation.ts'
import type { AuthServer } from '../auth/server/auth-server.ts'
import { openAuthServer } from './auth-sockets.ts'
import { openPlannedListener, type PlannedListener, type TakeConnection } from './planned-listener.ts'
import { createLmtpService, type LmtpService } from './lmtp-services.ts'
import { ownServer } from './mail/imapc/owner-server.ts'
import { limitConnections } from './limited-mail.ts'
import { openLog, type OpenLog } from './log-setup.ts'
import { type LocalServices, openLocalServices } from './mail/local-services.ts'
import { type MailWorkerQuestion, WorkerSockets } from './mail/worker-sockets.ts'
import type { BoundListener, Question, ToWorker } from './messages.ts'
import { OldDatabases } from './old-databases.ts'
import type { SharedFromWorker } from './shared-messages.ts'
import { SwitchObserver } from './switch-observer.ts'
import { runWorkerCommand } from './worker-commands.ts'
import { WorkerShared } from './worker-shared.ts'

interface Prepared {
  readonly number: number
  readonly generation: Generation
  readonly log: OpenLog
  /** Listeners only this generation has; closed again when it is discarded. */
  readonly opened: ReadonlyMap<string, PlannedListener>
}

/** One worker's life: prepares generations, serves connections with the newest, ends. */
export class WorkerRuntime {
  readonly #observer = new SwitchObserver()
  readonly #recent = new RecentErrors()
  readonly #listeners = new Map<string, PlannedListener>()
  readonly #holds = new LoginHolds(now, (users) => this.#holdExpired(users))
  readonly #old = new OldDatabases()
  readonly #tellNews: (news: BackendNews) => void
  #metrics: Metrics | undefined
  #tls: TlsContextCache | undefined
  #proxy: Proxy | undefined
  #login: LoginService | undefined
  #lmtp: LmtpService | undefined
  #auth: AuthServer | undefined
  #mail: LocalServices | undefined
  #current: Prepared | undefined
  #prepared: Prepared | undefined

  /** What all workers know alike. */
  readonly shared: WorkerShared
  /** Where mail workers answer. */
  readonly mailSockets: WorkerSockets

  /** `tellNews` reaches the other workers, `tellShared` the supervisor. */
  constructor(
    tellNews: (news: BackendNews) => void,
    tellShared: (message: SharedFromWorker) => void,
    askMailWorker: (question: MailWorkerQuestion) => void,
  ) {
    this.#tellNews = tellNews
    this.mailSockets = new WorkerSockets(askMailWorker)
    this.shared = new WorkerShared(tellShared)
  }

  get sessions(): number {
    return (this.#login?.registry.size ?? 0) + (this.#lmtp?.size ?? 0) + (this.#auth?.size ?? 0)
  }

  /** Builds everything for a configuration and opens the listeners that are new in it. Throws when anything fails. */
  async prepare({
    generation: number,
    source,
    ticketKeys,
    workers,
  }: Extract<ToWorker, { kind: 'prepare' }>): Promise<readonly BoundListener[]> {
    this.#tls ??= new TlsContextCache(Buffer.from(ticketKeys))
    const generation = await buildGeneration(source, this.#observer, this.#tls, workers, this.shared)
    const log = openLog(generation.settings)
    if (this.#current === undefined) this.#observer.use([log, this.#recent])
    this.#proxy ??= this.#openProxy(this.#tls)
    const mail = (this.#mail ??= this.#openMail(workers))
    const shared = {
      observer: this.#observer,
      proxy: this.#proxy,
      now,
      holds: this.#holds,
      local: limitConnections(mail.logins, this.shared),
    }
    this.#login ??= createLoginService(shared, () => this.#environment())
    this.#lmtp ??= createLmtpService(
      { observer: this.#observer, tlsContexts: this.#tls, hosts: this.#proxy.hosts, mailboxes: mail.lmtp },
      () => this.#environment(),
    )
    this.#auth ??= openAuthServer(this.#observer, () => this.#generation())
    await this.#proxy.prepare(generation.settings)
    const opened = await this.#openListeners(generation)
    this.#prepared = { number, generation, log, opened }
    return generation.listeners.flatMap((plan) => {
      const listener = opened.get(keyOf(plan)) ?? this.#listeners.get(keyOf(plan))
      return listener === undefined ? [] : [bound(plan, listener)]
    })
  }

  /** From now on, connections get the prepared generation. */
  async commit(number: number): Promise<void> {
    const next = this.#prepared
    if (next?.number !== number) return
    this.#prepared = undefined
    const old = this.#current
    this.#current = next
    if (next.generation.settings.postern_metrics_listen !== '')
      this.#metrics ??= (await import('../observe/metrics.ts')).openMetrics()
    this.#observer.use([next.log, this.#recent, ...(this.#metrics === undefined ? [] : [this.#metrics])])
    for (const [key, listener] of next.opened) this.#listeners.set(key, listener)
    const wanted = new Set(next.generation.listeners.map(keyOf))
    for (const [key, listener] of this.#listeners) {
      if (wanted.has(key)) listener.start()
      else {
        this.#listeners.delete(key)
        listener.close()
      }
    }
    if (old === undefined) return
    old.log.close()
    this.#retire(old.generation)
  }

  #retire({ auth, environment }: Generation): void {
    this.#old.retire(auth, () => [this.#login, this.#lmtp].some((service) => service?.isUsed(environment) === true))
  }

  /** Forgets the prepared generation. */
  async discard(number: number): Promise<void> {
    const dropped = this.#prepared
    if (dropped?.number !== number) return
    this.#prepared = undefined
    for (const listener of dropped.opened.values()) listener.close()
    dropped.log.close()
    await dropped.generation.auth.close()
  }

  setTicketKeys(ticketKeys: Buffer): void {
    this.#tls?.rotate(ticketKeys)
  }

  /** What another worker found out about a backend. */
  learn(news: BackendNews): void {
    this.#proxy?.hosts.learn(news)
  }

  reopenLogs(): void {
    this.#current?.log.reopen()
  }

  async answer(question: Question): Promise<unknown> {
    switch (question.kind) {
      case 'metrics':
        return (await this.#metrics?.snapshot()) ?? []
      case 'command':
        return await this.#command(question.name, question.input)
    }
  }

  /** Something threw where nobody caught it: a bug of one session, told to the log. */
  fault(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#observer.log('error', 'worker', `BUG: ${text}`)
    if (this.#current === undefined) process.stderr.write(`postern: BUG: ${text}\n`)
  }

  /** Takes no more connections; sessions may go on for `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    for (const listener of this.#listeners.values()) listener.close()
    if (graceMs > 0 && this.#login !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, graceMs)
      const all = [this.#login, this.#lmtp, this.#auth]
      await Promise.race([Promise.all(all.map(async (service) => await service?.shutDown())), promise])
      clearTimeout(timer)
    }
    await this.#mail?.close()
    this.#current?.log.flushSync()
  }

  #openMail(workers: number): LocalServices {
    return openLocalServices({
      observer: this.#observer,
      config: () => this.#generation().config,
      auth: () => this.#generation().auth,
      shares: workers,
      workerSocket: async (owner, share) => await this.mailSockets.socketFor(owner, share),
    })
  }

  #openProxy(tls: TlsContextCache): Proxy {
    return createProxy({ observer: this.#observer, tlsContexts: tls, tell: this.#tellNews })
  }

  async #openListeners(generation: Generation): Promise<ReadonlyMap<string, PlannedListener>> {
    const opened = new Map<string, PlannedListener>()
    try {
      for (const plan of generation.listeners) {
        const take = this.#takerFor(plan)
        if (take === undefined) {
          this.#observer.log('warning', 'master', `service ${plan.service}: nothing answers on port ${plan.port} yet`)
          continue
        }
        if (this.#listeners.has(keyOf(plan))) continue
        const settings = (): Settings => (this.#current?.generation ?? generation).settings
        const listener = openPlannedListener(plan, settings, this.#observer, take)
        if (plan.unix === undefined) opened.set(keyOf(plan), await listener)
        else
          await listener.then(
            (open) => opened.set(keyOf(plan), open),
            (error: Error) => this.#withoutSocket(plan, error),
          )
      }
    } catch (error) {
      for (const listener of opened.values()) listener.close()
      await generation.auth.close()
      throw error
    }
    return opened
  }

  /** Other services need not wait for a socket that nobody may need: it is there by default. */
  #withoutSocket({ service }: ListenerPlan, { message }: Error): void {
    this.#observer.log('error', service, `No socket for programs of this machine: ${message}`)
  }

  /** Asked at each connection: the newest committed generation's. */
  #environment(): LoginEnvironment {
    return this.#generation().environment
  }

  #generation(): Generation {
    if (this.#current === undefined) throw new Error('a connection came before the first commit')
    return this.#current.generation
  }

  /** Who serves connections of this listener; `undefined` when nobody does. */
  #takerFor(plan: ListenerPlan): TakeConnection | undefined {
    const { name: listenerName, ssl } = plan
    if (plan.protocol === 'lmtp') {
      return (stream, haproxy) => this.#lmtp?.accept(stream, haproxy === undefined ? { ssl } : { ssl, haproxy })
    }
    if (plan.protocol === 'auth') return (stream) => this.#auth?.accept(stream)
    const protocol = loginProtocols.find(({ name }) => name === plan.protocol)
    if (protocol === undefined) return undefined
    const accepted = { protocol, listenerName, ssl }
    return (stream, haproxy) => this.#login?.accept(stream, haproxy === undefined ? accepted : { ...accepted, haproxy })
  }

  /** Whoever moved these users is gone: what became of their rows is for the databases to say. */
  #holdExpired(users: readonly string[]): void {
    this.#observer.log('warning', 'move', `Nobody renewed the hold of ${users.length} users: their logins go on`)
    this.#flushCaches(users)
  }

  #flushCaches(users: readonly string[] | undefined): number {
    return (this.#current?.generation.auth.flushCache(users) ?? 0) + this.#old.flushCache(users)
  }

  async #command(name: string, input: unknown): Promise<unknown> {
    const parts = {
      registry: this.#login?.registry,
      holds: this.#holds,
      hosts: this.#proxy?.hosts,
      auth: this.#current?.generation.auth,
      flushCaches: (users: readonly string[] | undefined) => this.#flushCaches(users),
      recent: this.#recent,
      own: ownServer(() => this.#generation().config),
    }
    return await runWorkerCommand(parts, name, input)
  }
}

/** An accessor, and not a cheap one. */
const STARTED_MS = performance.timeOrigin

/** Milliseconds since 1970, with fractions. */
function now(): number {
  return STARTED_MS + performance.now()
}

/** Two plans with one key are the same socket, used in the same way. */
function keyOf({ service, name, address, port, ssl, haproxy }: ListenerPlan): string {
  return [service, name, address, port, ssl, haproxy].join(' ')
}

function bound(plan: ListenerPlan, listener: PlannedListener): BoundListener {
  return { name: plan.name || plan.protocol, address: plan.address, port: listener.port }
}
