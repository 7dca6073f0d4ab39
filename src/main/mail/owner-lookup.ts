import type { AuthConnection, AuthService } from '../../auth/auth.ts'
import type { OwnerFacts } from '../../storage/user/effective-namespaces.ts'
import { type OwnServer, ownerServer } from './imapc/owner-server.ts'
import type { OwnerAnswer } from './owner-questions.ts'

const LOOKUP_MS = 30_000
const NOWHERE = { ip: '', port: 0 }
/** Who asks when no client does. */
export const NOBODY: AuthConnection = {
  service: 'imap',
  session: '',
  local: NOWHERE,
  remote: NOWHERE,
  realLocal: NOWHERE,
  realRemote: NOWHERE,
  secured: '',
  forward: new Map(),
}

/** What the userdbs say of another user, whose mail somebody shares; with `own` also which other server has it. */
export async function lookupOwner(auth: AuthService, owner: string, own?: OwnServer): Promise<OwnerAnswer> {
  try {
    return (
      (own === undefined ? undefined : await lookupServer(auth, owner, own)) ?? (await lookupHome(auth, owner, own))
    )
  } catch (error) {
    return {
      kind: 'failed',
      error: `lookup of ${owner} failed: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
}

/** Where a login of his would be sent; `undefined`: nowhere. */
async function lookupServer(auth: AuthService, owner: string, own: OwnServer): Promise<OwnerAnswer | undefined> {
  const found = await auth.lookupPassdb(NOBODY, owner, AbortSignal.timeout(LOOKUP_MS))
  if (found.kind === 'refused') return { kind: 'failed', error: `passdb lookup of ${owner} failed` }
  const server = found.kind === 'found' ? await ownerServer(found.fields, 'passdb', own) : undefined
  return server && { kind: 'found', home: undefined, server }
}

async function lookupHome(auth: AuthService, owner: string, own: OwnServer | undefined): Promise<OwnerAnswer> {
  const found = await auth.lookupUser(NOBODY, owner, undefined, AbortSignal.timeout(LOOKUP_MS))
  switch (found.kind) {
    case 'found': {
      const server = own === undefined ? undefined : await ownerServer(found.fields, 'userdb', own)
      return { kind: 'found', home: found.fields.get('home'), ...(server === undefined ? {} : { server }) }
    }
    case 'unknown':
      return { kind: 'unknown' }
    case 'temporary':
      return { kind: 'failed', error: `userdb lookup of ${owner} failed` }
  }
}

/** The same for whoever opens mail. Rejects when the userdbs do not answer. */
export async function ownerOrNobody(asking: Promise<OwnerAnswer>): Promise<OwnerFacts | undefined> {
  const answer = await asking
  if (answer.kind === 'failed') throw new Error(answer.error)
  return answer.kind === 'found' ? answer : undefined
}
