import { createHash, randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { USER_STATES } from '../admin/session-filter.ts'
import { PenaltyTable, type PenaltyRow, readPenaltyChange, readPenaltyRows } from '../auth/penalty.ts'
import { readRevocation, type Revocation, Revocations } from '../auth/revocations.ts'
import type { ClusterBus } from '../cluster/bus.ts'
import { Cluster } from '../cluster/cluster.ts'
import { ConnectionCounts } from '../cluster/connections.ts'
import type { Observer } from '../observe/events.ts'
import { readRevocationFile, revocationPath, setAside, writeRevocationFile } from './revocation-file.ts'
import type { SharedFromWorker, SharedToWorker } from './shared-messages.ts'

/** The workers, as the shared state reaches them. */
export interface WorkerLink {
  /** To one worker, or to all but one. */
  tell(message: SharedToWorker, to: { readonly only: number } | { readonly except?: number }): void
  /** Asks all workers a command; what they answered. */
  command(name: string, input: unknown): Promise<readonly unknown[]>
}

export interface SharedNeeds {
  readonly observer: Observer
  /** Where revocations outlive the server. */
  readonly revocationFile: string
  /** `postern_cluster`: the bus, and something that only its members know. */
  readonly cluster?: { readonly bus: ClusterBus; readonly secret: string }
}

/** Answers of this server's workers to another server. */
const QUESTIONS: ReadonlySet<string> = new Set(['sessions', 'kick', 'auth-cache-flush', 'revoke'])

/**
 * What all workers of this server, and all servers of a cluster, know alike: penalties, connections, revocations. It lives in
 * the supervisor. Every worker has a copy of what logins read, so that no login waits for another process or for Redis.
 */
export class SharedState {
  readonly penalties = new PenaltyTable(Date)
  readonly revocations = new Revocations()
  readonly #needs: SharedNeeds
  readonly #penaltyKey: Buffer
  readonly #connections = new ConnectionCounts((key, count) => this.#cluster?.tell('connections', [[key, count]]))
  readonly #cluster: Cluster | undefined
  #workers: WorkerLink | undefined

  constructor(needs: SharedNeeds) {
    this.#needs = needs
    const { cluster, observer } = needs
    this.#penaltyKey =
      cluster === undefined
        ? randomBytes(32)
        : createHash('sha256').update(`postern penalty ${cluster.secret}`).digest()
    this.#load()
    if (cluster === undefined) return
    this.#cluster = new Cluster({
      bus: cluster.bus,
      self: `${hostname()}/${process.pid}-${randomBytes(3).toString('hex')}`,
      observer,
      now: () => performance.now(),
      listener: {
        onUp: () => this.#onUp(),
        onJoined: (member) => this.#greet(member),
        onLeft: (member) => this.#connections.dropOther(member),
        onTold: (topic, data, member) => this.#onTold(topic, data, member),
        onAsked: async (topic, data) => await this.#onAsked(topic, data),
      },
    })
  }

  /** The workers are about to start. */
  open(workers: WorkerLink): void {
    this.#workers = workers
    this.#cluster?.open()
  }

  /** A worker has started and is to know everything before its first login. */
  workerStarted(worker: number): void {
    const message = {
      kind: 'begin',
      penaltyKey: this.#penaltyKey,
      penalties: this.penalties.list(),
      revocations: this.revocations.list(),
    } as const
    this.#workers?.tell(message, { only: worker })
  }

  workerGone(worker: number): void {
    this.#connections.dropWorker(String(worker))
  }

  /** What a worker says. */
  hear(worker: number, message: SharedFromWorker): void {
    switch (message.kind) {
      case 'penalty':
        this.penalties.apply(message.change)
        this.#workers?.tell(message, { except: worker })
        this.#cluster?.tell('penalty', message.change)
        return
      case 'password':
        this.#workers?.tell(message, { except: worker })
        return
      case 'enter': {
        const isFree = this.#connections.enter(String(worker), message.key, message.limit)
        this.#workers?.tell({ kind: 'entered', id: message.id, isFree }, { only: worker })
        return
      }
      case 'leave':
        this.#connections.leave(String(worker), message.key)
        return
      case 'revocation':
        this.#needs.observer.log(
          'info',
          'auth',
          `user ${message.entry.user} is allowed again: the password has changed`,
        )
        this.allow(message.entry)
    }
  }

  /** Ends a revocation everywhere. */
  allow(entry: Revocation): void {
    this.#decide(entry)
    this.#cluster?.tell('revocation', entry)
  }

  /**
   * Revokes a user everywhere, and ends the sessions. Returns how many those were, which servers did not answer, and why it
   * will not outlive a restart, if so.
   */
  async revoke(
    entry: Revocation,
  ): Promise<{ readonly sessions: number; readonly silent: readonly string[]; readonly problem: string | undefined }> {
    const problem = this.#decide(entry)
    const [own, others] = await Promise.all([this.#endSessions(entry), this.askOthers('revoke', entry)])
    return { sessions: own.length + others.rows.length, silent: others.silent, problem }
  }

  /** Asks the other servers. Without a cluster there are none. */
  async askOthers(
    topic: string,
    data: unknown,
  ): Promise<{ readonly rows: readonly unknown[]; readonly silent: readonly string[] }> {
    return (await this.#cluster?.ask(topic, data)) ?? { rows: [], silent: [] }
  }

  /** Whether it is what these settings want: a reload does not change it. */
  isOf(settings: { readonly postern_cluster: string; readonly state_dir: string }): boolean {
    const { cluster, revocationFile } = this.#needs
    return (cluster?.secret ?? '') === settings.postern_cluster && revocationFile === revocationPath(settings)
  }

  async close(): Promise<void> {
    await this.#cluster?.close()
  }

  /** What is decided here: known to all workers and kept. */
  #decide(entry: Revocation): string | undefined {
    if (!this.revocations.apply(entry)) return undefined
    this.#workers?.tell({ kind: 'revocation', entry }, {})
    this.#needs.cluster?.bus.keep(new Map([[entry.user, JSON.stringify(entry)]]))
    return this.#save()
  }

  #load(): void {
    const { revocationFile: path, observer } = this.#needs
    try {
      for (const entry of readRevocationFile(path)) this.revocations.apply(entry)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const kept = setAside(path)
      const where = kept === undefined ? '' : `; it is kept as ${kept}`
      observer.log('error', 'master', `Revoked users are not known, so everybody may log in: ${why}${where}`)
    }
  }

  #save(): string | undefined {
    try {
      writeRevocationFile(this.#needs.revocationFile, this.revocations.list())
      return undefined
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#needs.observer.log('error', 'master', `Revoked users are forgotten when the server stops: ${why}`)
      return why
    }
  }

  #onUp(): void {
    // Those who did not miss us have not heard what happened here meanwhile.
    for (const member of this.#cluster?.members ?? []) this.#greet(member)
    void this.#meetCluster()
  }

  /** The cluster works: what was decided while it was away, here and elsewhere, meets. */
  async #meetCluster(): Promise<void> {
    const bus = this.#needs.cluster?.bus
    if (bus === undefined) return
    try {
      const kept = await bus.kept()
      const known = new Map([...kept.values()].flatMap(parseEntry).map((entry) => [entry.user, entry]))
      for (const entry of known.values()) void this.#learn(entry)
      const newer = this.revocations.list().filter(({ user, atMs }) => (known.get(user)?.atMs ?? -1) < atMs)
      bus.keep(new Map(newer.map((entry) => [entry.user, JSON.stringify(entry)])))
      // Who has read what is kept before this was there hears of it.
      for (const entry of newer) this.#cluster?.tell('revocation', entry)
    } catch {
      // It went away again; the bus tells.
    }
  }

  /** Another server decided. Resolves with the names of those whose sessions ended. */
  async #learn(entry: Revocation): Promise<readonly unknown[]> {
    if (!this.revocations.apply(entry)) return []
    this.#workers?.tell({ kind: 'revocation', entry }, {})
    this.#save()
    return entry.revoked ? await this.#endSessions(entry) : []
  }

  async #endSessions({ user, asked = user }: Revocation): Promise<readonly unknown[]> {
    const users = user === asked ? [user] : [user, asked]
    await this.#workers?.command('auth-cache-flush', { users })
    const kicked = await this.#workers?.command('kick', { users, states: USER_STATES })
    // Whoever has just said the name is no session yet.
    await this.#workers?.command('kick', { users, states: [] })
    return (kicked ?? []).flat()
  }

  /** Another server is there that knows nothing of us. */
  #greet(member: string): void {
    this.#cluster?.tell('penalties', this.penalties.list(), member)
    const all = [...this.#connections.own()]
    this.#cluster?.tell('connections-anew', null, member)
    for (let at = 0; at < all.length; at += MANY) this.#cluster?.tell('connections', all.slice(at, at + MANY), member)
  }

  #onTold(topic: string, data: unknown, member: string): void {
    switch (topic) {
      case 'penalty': {
        const change = readPenaltyChange(data)
        if (change === undefined) return
        this.penalties.apply(change)
        this.#workers?.tell({ kind: 'penalty', change }, {})
        return
      }
      case 'penalties': {
        const rows: readonly PenaltyRow[] = readPenaltyRows(data)
        this.penalties.load(rows)
        this.#workers?.tell({ kind: 'penalties', rows }, {})
        return
      }
      case 'connections-anew':
        this.#connections.dropOther(member)
        return
      case 'connections':
        for (const [key, count] of readCounts(data)) this.#connections.setOther(member, key, count)
        return
      case 'revocation': {
        const entry = readRevocation(data)
        if (entry !== undefined) void this.#learn(entry)
      }
    }
  }

  async #onAsked(topic: string, data: unknown): Promise<readonly unknown[]> {
    if (!QUESTIONS.has(topic)) return []
    if (topic === 'revoke') {
      const entry = readRevocation(data)
      return entry === undefined ? [] : await this.#learn(entry)
    }
    const answers = (await this.#workers?.command(topic, data)) ?? []
    const rows = answers.flatMap((answer) => (Array.isArray(answer) ? (answer as unknown[]) : [answer]))
    return topic === 'sessions' ? rows.map(atThisServer) : rows
  }
}

/** Keys in one message. */
const MANY = 2_000

/** A process is one of a server. */
function atThisServer(row: unknown): unknown {
  if (typeof row !== 'object' || row === null || !('pid' in row)) return row
  return { ...row, pid: `${String(row.pid)}@${hostname()}` }
}

function parseEntry(text: string): readonly Revocation[] {
  try {
    const entry = readRevocation(JSON.parse(text))
    return entry === undefined ? [] : [entry]
  } catch {
    return []
  }
}

function readCounts(data: unknown): readonly (readonly [string, number])[] {
  if (!Array.isArray(data)) return []
  return data.filter(
    (pair): pair is [string, number] =>
      Array.isArray(pair) && typeof pair[0] === 'string' && Number.isSafeInteger(pair[1]),
  )
}
