/**
 * The right each operation needs, RFC 4314 §4 as Dovecot holds it. Data: the store that enforces it and the test that tries
 * every command with every set of rights read it, and nothing else of each other.
 */
import { hasLetter, type RightLetter, type Rights } from './rights.ts'

/** Whose rights are asked. */
export type Subject = 'mailbox' | 'parent' | 'target' | 'target parent'

/** What the user is told. `hidden`: as if the mailbox were not there. `silent`: nothing happens, and nothing is said. */
export type Lacking = 'permission' | 'hidden' | 'silent' | 'read-only'

export interface Need {
  readonly of: Subject
  /** One of these is enough; `''`: none is needed. */
  readonly anyOf: readonly (RightLetter | '')[]
  /** When the mailbox may be looked up (`l`). */
  readonly visible: Lacking
  /** When it may not. */
  readonly invisible: Lacking
}

/** Whether these rights are enough. */
export function isMet({ anyOf }: Need, rights: Rights): boolean {
  return anyOf.some((letter) => letter === '' || hasLetter(rights, letter))
}

const PERMISSION = { visible: 'permission', invisible: 'hidden' } as const
const NOTHING: Need = { of: 'mailbox', anyOf: [''], ...PERMISSION }

function needs(letter: RightLetter, of: Subject = 'mailbox'): Need {
  return { of, anyOf: [letter], ...PERMISSION }
}

/** Every operation of the store, and what it needs in the order in which it is checked. */
export const NEEDS = {
  list: [{ of: 'mailbox', anyOf: ['l'], visible: 'silent', invisible: 'silent' }],
  status: [needs('r')],
  open: [needs('r')],
  /** Selecting it is to change it: without any of these it is selected read-only. */
  openForChange: [{ of: 'mailbox', anyOf: ['i', 'e', 'w', 't', 's'], visible: 'read-only', invisible: 'read-only' }],
  subscribe: [{ of: 'mailbox', anyOf: ['l', 'r', 'i'], visible: 'hidden', invisible: 'hidden' }],
  unsubscribe: [NOTHING],
  subscriptions: [NOTHING],
  append: [needs('i')],
  deliver: [needs('p')],
  /** Who stores a message learns its UID only where he may read. */
  learnUid: [{ of: 'target', anyOf: ['r'], visible: 'silent', invisible: 'silent' }],
  copy: [needs('i', 'target')],
  move: [needs('i', 'target'), { of: 'mailbox', anyOf: ['e'], visible: 'permission', invisible: 'permission' }],
  storeSeen: [{ of: 'mailbox', anyOf: ['s'], visible: 'silent', invisible: 'silent' }],
  storeDeleted: [{ of: 'mailbox', anyOf: ['t'], visible: 'silent', invisible: 'silent' }],
  storeOther: [{ of: 'mailbox', anyOf: ['w'], visible: 'silent', invisible: 'silent' }],
  expunge: [{ of: 'mailbox', anyOf: ['e'], visible: 'permission', invisible: 'permission' }],
  // Whether the parent exists is no secret to who makes a mailbox below it.
  create: [{ of: 'parent', anyOf: ['k'], visible: 'permission', invisible: 'permission' }],
  delete: [needs('x')],
  /** Deleting a mailbox with mail in it expunges the mail. */
  deleteMail: [{ of: 'mailbox', anyOf: ['e'], visible: 'permission', invisible: 'permission' }],
  rename: [needs('x'), { of: 'target parent', anyOf: ['k'], visible: 'permission', invisible: 'permission' }],
  acl: [needs('a')],
  quotaRoots: [NOTHING],
} as const satisfies Record<string, readonly Need[]>

export type Operation = keyof typeof NEEDS
