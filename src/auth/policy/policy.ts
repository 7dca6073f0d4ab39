// The policy server (`auth_policy_*`): asked before and after the databases, and told what became of each login.
import type { ConfigFiles, Settings } from '../../config/config.ts'
import { ExpandError } from '../../config/expand.ts'
import { MAX_LOG_USER, sanitize } from '../log-text.ts'
import type { AuthNeeds } from '../needs.ts'
import type { AuthRequest } from '../request.ts'
import { sleep } from '../sleep.ts'
import { type PolicyAnswer, readAnswer } from './answer.ts'
import {
  hashPassword,
  parseAttributes,
  type PasswordHash,
  type PolicyAttribute,
  type PolicyReport,
  writeRequest,
} from './attributes.ts'
import { PolicyClient, PolicyFault } from './client.ts'

/** The longest that a policy server may hold a login: less than a login may take. */
const MAX_WAIT_SECS = 120

export class Policy {
  readonly checksBefore: boolean
  readonly checksAfter: boolean
  readonly #settings: Settings
  readonly #needs: AuthNeeds
  readonly #client: PolicyClient
  readonly #attributes: readonly PolicyAttribute[]
  readonly #hash: PasswordHash

  constructor(settings: Settings, needs: AuthNeeds, authorities: readonly string[]) {
    this.#settings = settings
    this.#needs = needs
    this.checksBefore = settings.auth_policy_check_before_auth
    this.checksAfter = settings.auth_policy_check_after_auth
    this.#attributes = parseAttributes(settings.auth_policy_request_attributes)
    this.#hash = {
      mech: settings.auth_policy_hash_mech,
      nonce: settings.auth_policy_hash_nonce.reveal(),
      truncateBits: settings.auth_policy_hash_truncate,
    }
    this.#client = new PolicyClient({
      url: settings.auth_policy_server_url,
      apiHeader: settings.auth_policy_server_api_header.reveal().toString('utf8'),
      timeoutMs: Math.max(1, settings.auth_policy_server_timeout_msecs),
      authorities,
    })
    if (settings.auth_policy_log_only) {
      const text =
        'auth-policy: Currently in log-only mode. Ignoring tarpit and disconnect instructions from policy server'
      needs.observer.log('warning', 'auth', text)
    }
  }

  /** Whether a login may go on; waits as long as the server wants, but not after a right password. Never rejects. */
  async allows(request: AuthRequest, when: 'before' | 'after', signal: AbortSignal): Promise<boolean> {
    const status = this.#judge(request, await this.#ask(request))
    const { auth_policy_log_only: isIgnored } = this.#settings
    if (status < 0) {
      this.#log(
        request,
        'info',
        isIgnored ? "Policy check action 'drop connection' ignored" : 'Policy check action is drop connection',
      )
      return isIgnored
    }
    if (status > 0) {
      const action = `tarpit ${status} second(s)`
      this.#log(
        request,
        'info',
        isIgnored ? `Policy check action '${action}' ignored` : `Policy check action is ${action}`,
      )
      if (!isIgnored && when === 'before')
        await sleep(this.#needs.clock, Math.min(status, MAX_WAIT_SECS) * 1000, signal)
    } else this.#log(request, 'debug', 'Policy check action is continue')
    return true
  }

  /** Tells what became of a login; nobody waits for it. */
  report(request: AuthRequest, success: boolean): void {
    if (!this.#settings.auth_policy_report_after_auth) return
    void this.#post(request, 'report', { success, refused: request.policyRefused }).then((answer) => {
      if (answer.kind === 'away') this.#log(request, 'error', answer.log)
      else this.#log(request, 'debug', 'Policy report action finished')
    })
  }

  /** For `doctor`: what is wrong, if anything. */
  async check(): Promise<string | undefined> {
    try {
      await this.#client.reach()
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  close(): void {
    this.#client.close()
  }

  async #ask(request: AuthRequest): Promise<PolicyAnswer> {
    const posted = await this.#post(request, 'allow')
    return posted.kind === 'answered' ? readAnswer(posted.body) : posted
  }

  /** The status that counts. */
  #judge(request: AuthRequest, answer: PolicyAnswer): number {
    const { auth_policy_reject_on_fail: failsClosed, auth_policy_log_only: isIgnored } = this.#settings
    if (answer.kind === 'fault' || answer.kind === 'away') this.#log(request, 'error', answer.log)
    // Nobody has refused anything: reports do not say so either.
    if (answer.kind === 'away') return failsClosed ? -1 : 0
    const { status, message } = answer.kind === 'status' ? answer : { status: failsClosed ? -1 : 0, message: '' }
    const words = message === '' ? '' : ` with message: ${message}`
    this.#log(request, 'debug', `Policy response ${status}${words}`)
    if (status >= 0) return status
    request.policyRefused = true
    if (message !== '' && !isIgnored) request.fields.add('reason', message, 'policy server')
    this.#log(
      request,
      'info',
      `Authentication failure due to policy server refusal${message === '' ? '' : `: ${message}`}`,
    )
    return status
  }

  /** Sends a request about a login. A fault is a line for the log. */
  async #post(
    request: AuthRequest,
    command: 'allow' | 'report',
    report?: PolicyReport,
  ): Promise<{ readonly kind: 'answered'; readonly body: string } | Extract<PolicyAnswer, { kind: 'away' }>> {
    try {
      const body = writeRequest(
        this.#attributes,
        (name) => this.#variable(request, name),
        request.connection.secured === 'TLS',
        report,
      )
      if (request.isDebug) {
        const { auth_policy_server_url: url } = this.#settings
        this.#log(request, 'debug', `Policy request ${url.replace(/\?.*/, '')} command=${command}`)
      }
      return { kind: 'answered', body: await this.#client.post(command, body) }
    } catch (error) {
      if (error instanceof PolicyFault) return { kind: 'away', log: `Policy server HTTP error: ${error.message}` }
      if (error instanceof ExpandError)
        return { kind: 'away', log: `Failed to expand policy attributes: ${error.message}` }
      throw error
    }
  }

  #variable(request: AuthRequest, name: string): string | undefined {
    if (name === 'requested_username') return requestedUser(request)
    if (name !== 'hashed_password') return request.lookup(name)
    const user = requestedUser(request)
    // The password of a name that may not be was never looked at.
    const password = user === '' ? undefined : request.password?.reveal()
    return hashPassword(this.#hash, user, password ?? Buffer.alloc(0))
  }

  #log(request: AuthRequest, level: 'debug' | 'info' | 'error', text: string): void {
    if (level === 'debug' && !request.isDebug) return
    if (level === 'info' && !request.settings.verbose) return
    this.#needs.observer.log(level, 'auth', `${request.logPrefix('policy')}${sanitize(text, 4 * MAX_LOG_USER)}`)
  }
}

/** Who is to be logged in: in a master login the target. */
function requestedUser({ loginUser, user }: AuthRequest): string {
  return loginUser ?? user
}

/** The certificate authorities that the policy server's certificate may come from. Throws when one cannot be read. */
export function policyAuthorities(settings: Settings, files: Pick<ConfigFiles, 'read' | 'glob'>): readonly string[] {
  const { ssl_client_ca_file: file, ssl_client_ca_dir: dir } = settings
  const paths = [...(file === '' ? [] : [file]), ...(dir === '' ? [] : files.glob(`${dir.replace(/\/$/, '')}/*`))]
  const texts = paths.map((path) => Buffer.from(files.read(path)).toString('latin1'))
  return texts.filter((text) => text.includes('-----BEGIN'))
}
