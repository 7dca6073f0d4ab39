// What the databases have as a user's password, asked in a way that depends on the user and the service alone.
import type { AuthConnection } from './auth.ts'
import type { ServiceChains } from './chains.ts'
import { lookUpPassdb } from './lookups.ts'
import type { AuthNeeds } from './needs.ts'
import { AuthRequest } from './request.ts'
import { storedText } from './stored-text.ts'
import { Trace } from './trace.ts'

const NOWHERE = { ip: '', port: 0 } as const

/** A user as the databases know it. */
export interface StoredUser {
  /** After all renaming; the name as the databases would see it when they do not know it. */
  readonly user: string
  /** With its scheme. Absent: the databases do not tell it, do not know the user, or do not answer. */
  readonly stored?: string
}

/** Looks a user's stored password up, past the cache. */
export async function lookUpStored(
  chains: ServiceChains,
  needs: AuthNeeds,
  service: string,
  user: string,
  signal: AbortSignal,
): Promise<StoredUser> {
  const connection: AuthConnection = {
    service,
    session: '',
    local: NOWHERE,
    remote: NOWHERE,
    realLocal: NOWHERE,
    realRemote: NOWHERE,
    secured: '',
    forward: new Map(),
  }
  // Traced requests are answered by the databases themselves.
  const request = new AuthRequest(connection, chains.settings, needs, undefined, new Trace())
  const found = await lookUpPassdb(request, chains, user, signal)
  const stored = found.kind === 'found' ? storedText(request.stored) : undefined
  // A password that is nothing but a scheme comes from a template that wants to see the client's.
  const isTold = stored !== undefined && !/^\{[^{}]*\}$/.test(stored)
  return { user: request.user === '' ? user : request.user, ...(isTold && { stored }) }
}
