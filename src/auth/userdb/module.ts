import type { DatabaseField } from '../field-template.ts'
import { parseAnswer, parseWords } from '../module/answer.ts'
import { moduleLogin, ModuleHost, parseModuleArgs } from '../module/host.ts'
import type { RunningModule } from '../module/running.ts'
import type { UserdbDriver, UserdbReply, UserdbRequest } from './userdb.ts'

/** `module`: fields and groups of users by a file of yours; see auth/module/api.ts. */
export const moduleUserdb = {
  name: 'module',
  open(text, needs, at) {
    const args = parseModuleArgs('userdb', text, at.file)
    const host = new ModuleHost(args, needs)
    return {
      ...(args.cacheKey !== undefined && { cacheKey: args.cacheKey }),
      async lookup(request): Promise<UserdbReply> {
        try {
          const module = await host.current()
          const reply = await userOf(host, module, request)
          if (reply.kind !== 'found') return reply
          const groups = await groupsOf(host, module, request)
          if (groups === 'nonsense') return { kind: 'internal-failure', log: 'groupsOf returned no list of words' }
          return { kind: 'found', fields: [...reply.fields, ...groups] }
        } catch (error) {
          return { kind: 'internal-failure', log: host.describe(error) }
        }
      },
      async *iterate() {
        const module = await host.current()
        if (!module.has('listUsers')) throw new Error('module: it has no listUsers')
        const names = parseWords(await host.call(module, 'listUsers', []))
        if (names === undefined) throw new Error('module: listUsers returned no list of names')
        yield* names
      },
      check: () => host.check(),
      close: () => Promise.resolve(host.close()),
    }
  },
} as const satisfies UserdbDriver

async function userOf(host: ModuleHost, module: RunningModule, request: UserdbRequest): Promise<UserdbReply> {
  if (!module.has('lookupUser')) {
    if (module.has('groupsOf')) return { kind: 'found', fields: [] }
    return { kind: 'internal-failure', log: 'the module has no lookupUser' }
  }
  const reply = parseAnswer(await host.call(module, 'lookupUser', [moduleLogin(request)]), 'lookupUser')
  switch (reply.kind) {
    case 'found':
    case 'internal-failure':
      return reply
    case 'unknown':
      request.logUnknownUser()
      return reply
    default:
      return { kind: 'internal-failure', log: `lookupUser returned the result ${reply.kind}` }
  }
}

async function groupsOf(
  host: ModuleHost,
  module: RunningModule,
  request: UserdbRequest,
): Promise<readonly DatabaseField[] | 'nonsense'> {
  if (!module.has('groupsOf')) return []
  const groups = parseWords(await host.call(module, 'groupsOf', [moduleLogin(request)]))
  return groups === undefined ? 'nonsense' : [{ name: 'acl_groups', value: groups.join(','), from: 'groupsOf' }]
}
