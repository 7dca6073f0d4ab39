// What a login meets besides its databases: the penalty before, the policy server around, revocations behind.
import type { Config, ConfigFiles } from '../config/config.ts'
import type { AuthNeeds } from './needs.ts'
import { PENALTY, penaltyFingerprint } from './penalty.ts'
import { Policy, policyAuthorities } from './policy/policy.ts'
import type { AuthRequest } from './request.ts'
import type { PassdbResult } from './result-rule.ts'
import { sleep } from './sleep.ts'

/** Guards cost a login nothing that nobody penalises, when no policy server is set and no user revoked. */
export class Guards {
  /** Absent: no policy server is set. */
  readonly policy: Policy | undefined
  readonly #needs: AuthNeeds
  readonly #penalises: boolean

  /** Throws when a certificate authority of the policy server cannot be read. */
  constructor(config: Config, configFiles: ConfigFiles, needs: AuthNeeds) {
    const settings = config.settings({})
    this.#needs = needs
    this.#penalises = needs.penalties !== undefined && hasPenalties(config)
    this.policy =
      settings.auth_policy_server_url === ''
        ? undefined
        : new Policy(settings, needs, policyAuthorities(settings, configFiles))
  }

  /** Before a login begins: a client that failed before waits, then it is true. `undefined`: it does not wait. */
  before(request: AuthRequest, signal: AbortSignal): Promise<true> | undefined {
    if (!this.#penalises || request.connection.noPenalty === true) return undefined
    request.penaltyLevel = this.#needs.penalties?.table.level(request.connection.remote.ip) ?? 0
    if (request.penaltyLevel === 0) return undefined
    return sleep(this.#needs.clock, PENALTY.waitMs[request.penaltyLevel] ?? 0, signal).then((): true => true)
  }

  /** A password was right. `undefined`: nobody objects. Resolves with the failure that the login becomes, if any. */
  afterSuccess(request: AuthRequest, signal: AbortSignal): Promise<PassdbResult | undefined> | undefined {
    return this.policy?.checksAfter === true ? this.#askAfter(this.policy, request, signal) : undefined
  }

  async #askAfter(policy: Policy, request: AuthRequest, signal: AbortSignal): Promise<PassdbResult | undefined> {
    return (await policy.allows(request, 'after', signal)) ? undefined : 'password-mismatch'
  }

  /** A login is refused; the client is not told yet. Outages are nobody's fault. */
  failed(request: AuthRequest, isTemporary: boolean): void {
    this.policy?.report(request, false)
    if (!this.#penalises || isTemporary || request.fields.has('nodelay')) return
    const { penalties } = this.#needs
    const { password, user, connection, penaltyLevel } = request
    if (penalties === undefined || connection.noPenalty === true) return
    // The password of a name that may not be was never looked at.
    const fingerprint =
      password === undefined || user === '' ? 0 : penaltyFingerprint(penalties.key, user, password.reveal())
    penalties.table.failed(connection.remote.ip, penaltyLevel, fingerprint)
  }

  /** A login is let in. */
  succeeded(request: AuthRequest): void {
    this.policy?.report(request, true)
    if (request.penaltyLevel > 0) this.#needs.penalties?.table.forgive(request.connection.remote.ip)
  }

  /**
   * Whether the user was revoked, asked last. `undefined`: no. A master user's own revocation counts, not the target's.
   * `lookUp` tells the stored password of a user.
   */
  revoked(request: AuthRequest, lookUp: (user: string) => Promise<string | undefined>): Promise<boolean> | undefined {
    const { revocations } = this.#needs
    if (revocations === undefined || revocations.isEmpty) return undefined
    const user = request.masterUser ?? request.user
    if (revocations.revoked(user) === undefined) return undefined
    // Master users are in other databases than the lookup would ask.
    const isMaster = request.masterUser !== undefined
    return revocations.refuses(user, request.connection.service, async (asked) =>
      isMaster ? undefined : await lookUp(asked),
    )
  }

  close(): void {
    this.policy?.close()
  }
}

/** Dovecot's way to switch penalties off: `service anvil { unix_listener anvil-auth-penalty { mode = 0 } }`. */
function hasPenalties(config: Config): boolean {
  const listeners = config.services.get('anvil')?.unixListeners ?? []
  return listeners.every(({ path, mode }) => path !== 'anvil-auth-penalty' || mode !== 0)
}
