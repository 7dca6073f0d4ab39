import { assertNever } from '../../util/assert-never.ts'
import type { Secret } from '../../util/secret.ts'
import { parseAnswer } from '../module/answer.ts'
import { moduleLogin, ModuleHost, parseModuleArgs } from '../module/host.ts'
import { verifyPassword } from '../schemes/index.ts'
import type { DatabaseRequest, Passdb, PassdbDriver, PassdbReply, VerifyReply } from './passdb.ts'

/** `module`: a file of yours, in TypeScript or JavaScript; see auth/module/api.ts. It takes the place of Dovecot's `lua`. */
export const modulePassdb = {
  name: 'module',
  open(text, needs, at): Passdb {
    const args = parseModuleArgs('passdb', text, at.file)
    const host = new ModuleHost(args, needs)
    return {
      defaultScheme: args.scheme,
      ...(args.cacheKey !== undefined && { cacheKey: args.cacheKey }),
      verify: (request, password) => verify(host, args.scheme, request, password),
      lookup: (request) => lookUp(host, request),
      check: () => host.check(),
      close: () => Promise.resolve(host.close()),
    }
  },
} as const satisfies PassdbDriver

async function lookUp(host: ModuleHost, request: DatabaseRequest): Promise<PassdbReply> {
  try {
    const module = await host.current()
    if (!module.has('lookupPassword')) return { kind: 'internal-failure', log: 'the module has no lookupPassword' }
    const reply = parseAnswer(await host.call(module, 'lookupPassword', [moduleLogin(request)]), 'lookupPassword')
    switch (reply.kind) {
      case 'unknown':
        request.logUnknownUser()
        return reply
      case 'found':
      case 'internal-failure':
        return reply
      default:
        return { kind: 'internal-failure', log: `lookupPassword returned the result ${reply.kind}` }
    }
  } catch (error) {
    return { kind: 'internal-failure', log: host.describe(error) }
  }
}

async function verify(
  host: ModuleHost,
  scheme: string,
  request: DatabaseRequest,
  password: Secret,
): Promise<VerifyReply> {
  try {
    const module = await host.current()
    if (!module.has('verifyPassword')) return await compare(await lookUp(host, request), scheme, request, password)
    const given = password.reveal().toString('utf8')
    const reply = parseAnswer(
      await host.call(module, 'verifyPassword', [moduleLogin(request), given]),
      'verifyPassword',
    )
    if (reply.kind === 'unknown') request.logUnknownUser()
    return reply
  } catch (error) {
    return { kind: 'internal-failure', log: host.describe(error) }
  }
}

/** The module only tells the stored password. */
async function compare(
  reply: PassdbReply,
  scheme: string,
  request: DatabaseRequest,
  password: Secret,
): Promise<VerifyReply> {
  if (reply.kind !== 'found') return reply
  const stored = reply.fields.find(({ name }) => name === 'password')?.value
  if (typeof stored !== 'string') {
    if (reply.fields.some(({ name, value }) => name === 'nopassword' && value !== null)) return reply
    request.logDatabase('info', 'No password returned (and no nopassword)')
    return { kind: 'password-mismatch' }
  }
  const user = request.lookup('orig_user') ?? request.user
  const outcome = await verifyPassword({ stored, defaultScheme: scheme, password, user })
  switch (outcome.kind) {
    case 'match':
      // It has been compared; the auth cache keeps a hash of its own.
      return { kind: 'found', fields: reply.fields.filter(({ name }) => name !== 'password') }
    case 'mismatch':
      return { kind: 'password-mismatch' }
    case 'invalid':
      request.logDatabase('error', outcome.log)
      return { kind: 'password-mismatch' }
    case 'unavailable':
      return { kind: 'internal-failure', log: outcome.log }
    default:
      return assertNever(outcome)
  }
}
