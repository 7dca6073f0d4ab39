import type { AuthConnection, AuthService } from '../../auth/auth.ts'
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

/** What the userdbs say of another user, whose mail somebody shares. */
export async function lookupOwner(auth: AuthService, owner: string): Promise<OwnerAnswer> {
  const found = await auth.lookupUser(NOBODY, owner, undefined, AbortSignal.timeout(LOOKUP_MS))
  switch (found.kind) {
    case 'found':
      return { kind: 'found', home: found.fields.get('home') }
    case 'unknown':
      return { kind: 'unknown' }
    case 'temporary':
      return { kind: 'failed', error: `userdb lookup of ${owner} failed` }
  }
}

/** The same for whoever opens mail. Rejects when the userdbs do not answer. */
export async function ownerOrNobody(
  asking: Promise<OwnerAnswer>,
): Promise<{ readonly home: string | undefined } | undefined> {
  const answer = await asking
  if (answer.kind === 'failed') throw new Error(answer.error)
  return answer.kind === 'found' ? { home: answer.home } : undefined
}
