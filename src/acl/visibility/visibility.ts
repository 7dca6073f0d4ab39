// Keeps what is known about visibility right: dovecot-acl-list of a namespace, and its owner's keys in acl_shared_dict.
import { readFile } from 'node:fs/promises'
import { codeOf } from '../acl-files.ts'
import type { AclBackend } from '../backends/backend.ts'
import { NotReplaced, replaceUnderDotlock } from '../dotlock.ts'
import { ACL_LIST_FILE_NAME, type AclIdentity, type AclNamespace } from '../namespace.ts'
import { aclListOf, findShared, parseAclList, type SharedMailbox, writeAclList } from './acl-list.ts'
import { ghostsSharingWith, type IsUser, livingKeys } from './ghosts.ts'
import type { SharedDict } from './shared-dict.ts'
import { isFrom, readerPrefixes, SHARED_BOXES, sharedKeys } from './shared-keys.ts'

export interface VisibilityOptions {
  readonly backend: AclBackend
  /** `acl_shared_dict`. */
  readonly dict: SharedDict | undefined
  /** Without it everybody in the dictionary counts as a user. */
  readonly isUser?: IsUser
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: (level: 'info' | 'error', text: string) => void
}

/** A difference between what is remembered and the truth. */
export interface VisibilityProblem {
  readonly where: 'dovecot-acl-list' | 'acl_shared_dict'
  readonly kind: 'missing' | 'stale'
  /** The line or the key. */
  readonly what: string
}

const NOTHING = Buffer.alloc(0)

/** Scans once more when somebody changed ACLs meanwhile; after this many times the next change will put it right. */
const MAX_SCANS = 3

interface LastOwners {
  readonly identity: AclIdentity
  readonly keys: readonly (readonly string[])[]
  readonly owners: readonly string[]
}

export class AclVisibility {
  readonly #options: VisibilityOptions
  readonly #running = new Map<string, { isAskedAgain: boolean; readonly done: Promise<void> }>()

  /** What was asked for last: a dictionary that knows that nothing changed gives the same keys. */
  #owners: LastOwners | undefined

  constructor(options: VisibilityOptions) {
    this.#options = options
  }

  /** Brings both up to date after a change. Faults are logged: a change that was made stays made. */
  async refresh(namespace: AclNamespace): Promise<void> {
    const key = namespace.places.list
    const running = this.#running.get(key)
    if (running !== undefined) {
      running.isAskedAgain = true
      return await running.done
    }
    const task = { isAskedAgain: false, done: Promise.resolve() }
    task.done = this.#refreshUntilQuiet(namespace, task).finally(() => this.#running.delete(key))
    this.#running.set(key, task)
    await task.done
  }

  /** `doveadm acl recalc`: the same, and users who are no more are left out. Rejects when the dictionary cannot be changed. */
  async recalculate(namespace: AclNamespace): Promise<void> {
    await this.#write(namespace, this.#options.isUser)
  }

  /** What was shared by users who are no more is forgotten, as far as this user would see it. */
  async forgetGhosts(identity: AclIdentity): Promise<void> {
    const { dict, isUser, log } = this.#options
    if (dict === undefined) return
    for (const ghost of await ghostsSharingWith(identity, dict, isUser)) {
      await this.forgetUser(ghost)
      log('info', `acl: There is no user ${ghost}: nothing is shared by him any more`)
    }
  }

  /** The users who share something with this one, himself left out; some of it may be nothing he can see. */
  async owners(identity: AclIdentity): Promise<readonly string[]> {
    const { dict } = this.#options
    if (dict === undefined) return []
    const prefixes = readerPrefixes(identity)
    const keys = await Promise.all(prefixes.map((prefix) => dict.keys(prefix)))
    const last = this.#owners
    if (last?.identity === identity && last.keys.every((before, at) => before === keys[at])) return last.owners
    const names = new Set(prefixes.flatMap((prefix, at) => (keys[at] ?? []).map((key) => key.slice(prefix.length))))
    names.delete(identity.loginUser)
    const owners = [...names].toSorted()
    this.#owners = { identity, keys, owners }
    return owners
  }

  /** What `forgetGhosts` would change. */
  async verifyGhosts(identity: AclIdentity): Promise<readonly VisibilityProblem[]> {
    const { dict, isUser } = this.#options
    if (dict === undefined) return []
    const problems: VisibilityProblem[] = []
    for (const ghost of await ghostsSharingWith(identity, dict, isUser))
      for (const what of await keysFrom(dict, ghost)) problems.push({ where: 'acl_shared_dict', kind: 'stale', what })
    return problems
  }

  /** What `recalculate` would change. */
  async verify(namespace: AclNamespace): Promise<readonly VisibilityProblem[]> {
    const shared = await findShared(namespace, this.#options.backend)
    const wanted = new Set(aclListOf(namespace, shared).map(({ mtimeSecs, name }) => `${mtimeSecs} ${name}`))
    const lines = (await this.#readList(namespace)) ?? []
    const there = new Set(lines.map(({ mtimeSecs, name }) => `${mtimeSecs} ${name}`))
    const problems = compare('dovecot-acl-list', wanted, there)
    const { dict, isUser } = this.#options
    const { owner } = namespace
    if (dict === undefined || owner === undefined || namespace.type === 'public') return problems
    const keys = await keysFrom(dict, owner)
    const living = await livingKeys(sharedKeys(owner, shared), owner, isUser)
    return [...problems, ...compare('acl_shared_dict', living, keys)]
  }

  /** A user is gone: nobody shares with him, and he with nobody. */
  async forgetUser(user: string): Promise<void> {
    const { dict } = this.#options
    if (dict === undefined) return
    const received = await dict.keys(`${SHARED_BOXES}user/${user}/`)
    await dict.change({ set: [], unset: [...new Set([...(await keysFrom(dict, user)), ...received])] })
  }

  async #refreshUntilQuiet(namespace: AclNamespace, task: { isAskedAgain: boolean }): Promise<void> {
    try {
      for (let scans = 0; scans < MAX_SCANS; scans += 1) {
        task.isAskedAgain = false
        // Users are not looked up for every change: it may be that they are made after it.
        await this.#write(namespace, undefined)
        if (!task.isAskedAgain) return
      }
    } catch (error) {
      this.#options.log(
        'error',
        `acl: Failed to update what is shared: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }

  async #write(namespace: AclNamespace, isUser: IsUser | undefined): Promise<void> {
    const shared = await findShared(namespace, this.#options.backend)
    await this.#writeList(namespace, shared)
    const { owner } = namespace
    if (owner === undefined || namespace.type === 'public') return
    await this.#writeKeys(owner, await livingKeys(sharedKeys(owner, shared), owner, isUser))
  }

  /** Where the directory cannot be written nobody needs the file: Dovecot could not have made it either. */
  async #writeList(namespace: AclNamespace, shared: readonly SharedMailbox[]): Promise<void> {
    const path = `${namespace.places.list}/${ACL_LIST_FILE_NAME}`
    const content = writeAclList(aclListOf(namespace, shared))
    try {
      const edit = async (): Promise<Buffer | undefined> => {
        const before = await readUnlessAbsent(path)
        // Who never shared anything has no list.
        return (before ?? NOTHING).equals(content) ? undefined : content
      }
      await replaceUnderDotlock(path, edit, { now: this.#options.now })
    } catch (error) {
      if (!(error instanceof NotReplaced)) throw error
    }
  }

  async #readList({ places }: AclNamespace): ReturnType<typeof readListAt> {
    return await readListAt(`${places.list}/${ACL_LIST_FILE_NAME}`)
  }

  async #writeKeys(owner: string, wanted: ReadonlySet<string>): Promise<void> {
    const { dict } = this.#options
    if (dict === undefined) return
    const there = await keysFrom(dict, owner)
    const set = [...wanted].filter((key) => !there.has(key))
    const unset = [...there].filter((key) => !wanted.has(key))
    if (set.length > 0 || unset.length > 0) await dict.change({ set, unset })
  }
}

async function keysFrom(dict: SharedDict, owner: string): Promise<ReadonlySet<string>> {
  return new Set((await dict.keysFrom(owner)).filter((key) => isFrom(key, owner)))
}

async function readListAt(path: string): Promise<ReturnType<typeof parseAclList>> {
  const bytes = await readUnlessAbsent(path)
  return bytes && parseAclList(bytes)
}

async function readUnlessAbsent(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function compare(
  where: VisibilityProblem['where'],
  wanted: ReadonlySet<string>,
  there: ReadonlySet<string>,
): readonly VisibilityProblem[] {
  const missing = [...wanted]
    .filter((what) => !there.has(what))
    .map((what) => ({ where, kind: 'missing', what }) as const)
  const stale = [...there].filter((what) => !wanted.has(what)).map((what) => ({ where, kind: 'stale', what }) as const)
  return [...missing, ...stale]
}
