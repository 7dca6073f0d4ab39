import { randomBytes } from 'node:crypto'
import { Secret } from '../../util/secret.ts'
import type {
  SaslAuth,
  SaslClient,
  SaslClientCredentials,
  SaslCredentials,
  SaslIdentity,
  SaslMechanism,
  SaslServerIo,
} from '../mechanism.ts'

/** What the fake auth service was asked and said: `ok joe`, `refused joe: wrong-proof`. */
export type Verdict = { readonly ok: boolean; readonly text: string }

/** An auth service that knows some users by password or by other credentials. */
export class FakeAuth implements SaslAuth<Verdict> {
  readonly #users: ReadonlyMap<string, SaslCredentials>
  readonly asked: string[] = []

  constructor(users: Readonly<Record<string, string | SaslCredentials>>) {
    this.#users = new Map(
      Object.entries(users).map(([name, known]) => [
        name,
        typeof known === 'string' ? { scheme: 'PLAIN', text: known } : known,
      ]),
    )
  }

  refuseName(identity: SaslIdentity): Verdict | undefined {
    return identity.authcid === '' ? refused(identity, 'no name') : undefined
  }

  verifyPlain(identity: SaslIdentity, password: Secret): Promise<Verdict> {
    return this.#compare(identity, password, 'password')
  }

  verifyToken(identity: SaslIdentity, token: Secret): Promise<Verdict> {
    return this.#compare(identity, token, 'token')
  }

  lookupCredentials(
    identity: SaslIdentity,
    schemes: readonly string[],
  ): ReturnType<SaslAuth<Verdict>['lookupCredentials']> {
    this.asked.push(`${nameOf(identity)} ${schemes.join(',')}`)
    const credentials = this.#users.get(identity.authcid)
    if (credentials === undefined) return Promise.resolve({ kind: 'refused', verdict: refused(identity, 'unknown') })
    return Promise.resolve({ kind: 'found', credentials })
  }

  accept(identity: SaslIdentity): Promise<Verdict> {
    return Promise.resolve(ok(identity))
  }

  reject(identity: SaslIdentity, why: string, detail?: string): Promise<Verdict> {
    return Promise.resolve(refused(identity, detail === undefined ? why : `${why}, ${detail}`))
  }

  verifyExternal(identity: SaslIdentity): Promise<Verdict> {
    return Promise.resolve(ok(identity))
  }

  anonymous(trace: string): Promise<Verdict> {
    return Promise.resolve({ ok: true, text: `ok anonymous, trace ${trace}` })
  }

  isSuccess(verdict: Verdict): boolean {
    return verdict.ok
  }

  #compare(identity: SaslIdentity, secret: Secret, what: string): Promise<Verdict> {
    const known = this.#users.get(identity.authcid)
    const isRight = known !== undefined && secret.equals(new Secret(known.text))
    return Promise.resolve(isRight ? ok(identity) : refused(identity, `wrong ${what}`))
  }
}

function ok(identity: SaslIdentity): Verdict {
  return { ok: true, text: `ok ${nameOf(identity)}` }
}

function refused(identity: SaslIdentity, why: string): Verdict {
  return { ok: false, text: `refused ${nameOf(identity)}: ${why}` }
}

function nameOf({ authcid, authzid }: SaslIdentity): string {
  return authzid === undefined ? authcid : `${authcid} for ${authzid}`
}

/** A server's surroundings; `answers` are what the client says to one challenge after the other. */
export function scriptedIo(answers: readonly (string | Buffer)[], overrides: Partial<SaslServerIo> = {}) {
  const challenges: string[] = []
  const remaining = [...answers]
  const challenge = (data: Buffer): Promise<Buffer> => {
    challenges.push(data.toString('latin1'))
    const answer = remaining.shift()
    return answer === undefined ? Promise.reject(new Error('no answer left')) : Promise.resolve(Buffer.from(answer))
  }
  return {
    challenges,
    io: { ...serverIo, challenge, finish: async (data: Buffer) => void (await challenge(data)), ...overrides },
  }
}

export const serverIo: SaslServerIo = {
  initial: undefined,
  challenge: () => Promise.reject(new Error('no client')),
  finish: () => Promise.reject(new Error('no client')),
  hostname: 'mail.example.org',
  realms: [],
  service: 'imap',
  randomBytes,
  now: () => 1_700_000_000_000,
  channelBinding: () => undefined,
  certificateUser: undefined,
}

/** A client's credentials: user and password, and what else a test wants. */
export function clientCredentials(
  user: string,
  password: string | Buffer,
  overrides: Partial<SaslClientCredentials> = {},
): SaslClientCredentials {
  return {
    authcid: user,
    authzid: user,
    secret: new Secret(password),
    randomBytes,
    hostname: 'mail.example.org',
    ...overrides,
  }
}

export interface Played {
  readonly verdict: Verdict
  readonly client: SaslClient
  /** `C: ` and `S: ` lines. */
  readonly lines: readonly string[]
}

/** Lets the two halves of a mechanism talk. `sendsInitial`: the protocol has initial responses. */
export async function play(
  mechanism: SaslMechanism,
  auth: FakeAuth,
  credentials: SaslClientCredentials,
  { io = {}, sendsInitial = true }: { readonly io?: Partial<SaslServerIo>; readonly sendsInitial?: boolean } = {},
): Promise<Played> {
  const client = mechanism.client?.(credentials)
  if (client === undefined) throw new Error(`${mechanism.name} has no client half`)
  const lines: string[] = []
  let pending = client.initial()
  const initial = sendsInitial ? pending : undefined
  if (sendsInitial || client.skipsInitial === true) pending = undefined
  if (initial !== undefined) lines.push(`C: ${initial.toString('latin1')}`)
  const challenge = (data: Buffer): Promise<Buffer> => {
    const answer = pending ?? client.respond(data)
    pending = undefined
    lines.push(`S: ${data.toString('latin1')}`, `C: ${answer.toString('latin1')}`)
    return Promise.resolve(answer)
  }
  const finish = async (data: Buffer): Promise<void> => void (await challenge(data))
  const verdict = await mechanism.authenticate({ ...serverIo, initial, challenge, finish, ...io }, auth)
  if (verdict.ok) client.finish(undefined)
  return { verdict, client, lines }
}
