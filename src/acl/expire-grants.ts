// Takes grants that have ended out of the files, so that Dovecot and other readers stop honouring them too.
import { setImmediate } from 'node:timers/promises'
import { type AclBackend, AclNotUpdated } from './backends/backend.ts'
import type { AclNamespace } from './namespace.ts'

export interface ExpiredGrant {
  /** Storage name; empty: the default object. */
  readonly mailbox: string
  /** As it stood in the file. */
  readonly line: string
}

/** Mailboxes between two turns of others. */
const TURN = 64

/** Goes through all mailboxes of a namespace. A file that cannot be changed is left for the next time. */
export async function* expireGrants(namespace: AclNamespace, backend: AclBackend): AsyncIterable<ExpiredGrant> {
  let looked = 0
  for (const mailbox of ['', ...(await namespace.mailboxes())]) {
    // Files are read in one go: others must have their turn.
    if (++looked % TURN === 0) await setImmediate()
    for (const line of await expireOne(namespace, backend, mailbox)) yield { mailbox, line }
  }
}

async function expireOne(namespace: AclNamespace, backend: AclBackend, mailbox: string): Promise<readonly string[]> {
  try {
    return await backend.expire(namespace, mailbox)
  } catch (error) {
    if (error instanceof AclNotUpdated) return []
    throw error
  }
}
