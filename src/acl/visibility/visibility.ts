// Keeps what is known about visibility right: dovecot-acl-list of a namespace, and its owner's keys in acl_shared_dict.
import { readFile } from 'node:fs/promises'
import { codeOf } from '../acl-files.ts'
import type { AclBackend } from '../backends/backend.ts'
import { NotReplaced, replaceUnderDotlock } from '../dotlock.ts'
import { ACL_LIST_FILE_NAME, type AclIdentity, type AclNamespace } from '../namespace.ts'
import { aclListOf, findShared, parseAclList, type SharedMailbox, writeAclList } from './acl-list.ts'
import type { SharedDict } from './shared-dict.ts'
import { isFrom, readerPrefixes, SHARED_BOXES, sharedKeys } from './shared-keys.ts'

export interface VisibilityOptions {
  readonly backend: AclBackend
  /** `acl_shared_dict`. */
  readonly dict: SharedDict | undefined
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: (level: 'error', text: string) => void
}

/** A difference between what is remembered and the truth. */
export interface VisibilityProblem {
  readonly where: 'dovecot-acl-list' | 'acl_shared_dict'
  readonly kind: 'missing' | 'stale'
  /** The line or the key. */
  readonly what: string
}

/** Scans once more when somebody changed ACLs meanwhile; after this many times the next change will put it right. */
const MAX_SCANS = 3

export class AclVisibility {
  readonly #options: VisibilityOptions
  readonly #running = new Map<string, { isAskedAgain: boolean; readonly done: Promise<void> }>()

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

  /** `doveadm acl recalc`. Rejects when the dictionary cannot be changed. */
  async recalculate(namespace: AclNamespace): Promise<void> {
    const shared = await findShared(namespace, this.#options.backend)
    await this.#writeList(namespace, shared)
    if (namespace.owner === undefined || namespace.type === 'public') return
    await this.#writeKeys(namespace.owner, sharedKeys(namespace.owner, shared))
  }

  /** The users who share something with this one, himself left out; some of it may be nothing he can see. */
  async owners(identity: AclIdentity): Promise<readonly string[]> {
    const { dict } = this.#options
    if (dict === undefined) return []
    const prefixes = readerPrefixes(identity)
    const keys = await Promise.all(prefixes.map(async (prefix) => ({ prefix, keys: await dict.keys(prefix) })))
    const owners = new Set(keys.flatMap(({ prefix, keys: found }) => found.map((key) => key.slice(prefix.length))))
    owners.delete(identity.loginUser)
    return [...owners].toSorted()
  }

  /** What `recalculate` would change. */
  async verify(namespace: AclNamespace): Promise<readonly VisibilityProblem[]> {
    const shared = await findShared(namespace, this.#options.backend)
    const wanted = new Set(aclListOf(namespace, shared).map(({ mtimeSecs, name }) => `${mtimeSecs} ${name}`))
    const lines = (await this.#readList(namespace)) ?? []
    const there = new Set(lines.map(({ mtimeSecs, name }) => `${mtimeSecs} ${name}`))
    const problems = compare('dovecot-acl-list', wanted, there)
    const { dict } = this.#options
    if (dict === undefined || namespace.owner === undefined || namespace.type === 'public') return problems
    const keys = await keysFrom(dict, namespace.owner)
    return [...problems, ...compare('acl_shared_dict', sharedKeys(namespace.owner, shared), keys)]
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
        await this.recalculate(namespace)
        if (!task.isAskedAgain) return
      }
    } catch (error) {
      this.#options.log(
        'error',
        `acl: Failed to update what is shared: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }

  /** Where the directory cannot be written nobody needs the file: Dovecot could not have made it either. */
  async #writeList(namespace: AclNamespace, shared: readonly SharedMailbox[]): Promise<void> {
    const path = `${namespace.places.list}/${ACL_LIST_FILE_NAME}`
    const content = writeAclList(aclListOf(namespace, shared))
    try {
      const edit = async (): Promise<Buffer | undefined> =>
        (await readUnlessAbsent(path))?.equals(content) ? undefined : content
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
  return new Set((await dict.keys(SHARED_BOXES)).filter((key) => isFrom(key, owner)))
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
