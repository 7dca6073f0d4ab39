import type { AuthQuestion } from '../admin/auth-question.ts'
import { connectionFrom } from '../admin/auth-question.ts'
import { type Explanation, explainOutcome, explainSteps } from '../admin/explain/explanation.ts'
import type { AuthConnection, AuthOutcome, PassdbLookup } from '../auth/auth.ts'
import type { Config } from '../config/config.ts'
import { decideListeners } from '../config/listeners.ts'
import { Secret } from '../util/secret.ts'
import { explainMail } from './explain-mail.ts'
import { explainRoute, type RoutedUser, type RouteScene } from './explain-route.ts'
import { resolveSelf } from './generation.ts'
import type { LocalAuth } from './local-auth.ts'

/** Why does this user go there? Asks the databases and decides the route, and tells each step. */
export async function explainUser(
  { config, auth, hostname }: LocalAuth,
  question: AuthQuestion,
  signal: AbortSignal,
): Promise<{ readonly explanation: Explanation; readonly problems: readonly string[] }> {
  const service = serviceOf(question)
  const { connection, problems } = connectionFrom(question.info, usualConnection(config, service))
  const { user, password } = question
  const secret = password === undefined ? undefined : new Secret(password)
  const { steps, outcome } = await auth.explain(connection, user, secret, signal)
  const filter = {
    protocol: connection.service,
    localIp: connection.local.ip,
    remoteIp: connection.remote.ip,
    ...(connection.localName !== undefined && { localName: connection.localName }),
  }
  const settings = config.settings(filter)
  const mail: RouteScene['mail'] = (name, fields) =>
    explainMail({ config, filter, service: connection.service, user: name, fields })
  const routed = routedUser(user, outcome)
  const proxySelf = await resolveSelf(settings.auth_proxy_self)
  const route =
    routed === undefined
      ? undefined
      : await explainRoute(routed, { connection, settings, hostname, proxySelf, auth, signal, mail })
  const explanation = {
    user,
    service: connection.service,
    login: password !== undefined,
    client: connection.remote.ip,
    server: `${connection.local.ip}:${connection.local.port}`,
    steps: explainSteps(steps),
    outcome: explainOutcome(outcome),
    ...(route !== undefined && { route }),
  }
  return { explanation, problems }
}

function serviceOf({ info }: AuthQuestion): string {
  return info.findLast((word) => word.startsWith('service='))?.slice('service='.length) ?? 'imap'
}

/** A client on this machine, at the first listener of the service. */
function usualConnection(config: Config, service: string): Partial<AuthConnection> {
  const plan = decideListeners(config).find(({ protocol, ssl }) => protocol === service && !ssl)
  const address = plan?.address ?? ''
  const local = { ip: /^[\d.]+$/.test(address) && address !== '0.0.0.0' ? address : '127.0.0.1', port: plan?.port ?? 0 }
  const remote = { ip: '127.0.0.1', port: 0 }
  return { service, local, remote, session: 'explain', secured: 'secured' }
}

function routedUser(asked: string, outcome: AuthOutcome | PassdbLookup): RoutedUser | undefined {
  if (outcome.kind === 'found') return { ...outcome, asked, masterUser: undefined, mechanism: 'PLAIN' }
  return outcome.kind === 'ok' ? { ...outcome, asked, masterUser: outcome.masterUser } : undefined
}
