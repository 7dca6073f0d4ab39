import { isFrom } from '../../src/acl/visibility/shared-keys.ts'
import type { SharedDict } from '../../src/acl/visibility/shared-dict.ts'

/** A dictionary that is forgotten with its process: for tests. */
export function keysInMemory(keys: Iterable<string> = []): SharedDict {
  const known = new Set(keys)
  return {
    keys: (prefix) => Promise.resolve([...known].filter((key) => key.startsWith(prefix))),
    keysFrom: (user) => Promise.resolve([...known].filter((key) => isFrom(key, user))),
    change({ set, unset }) {
      for (const key of unset) known.delete(key)
      for (const key of set) known.add(key)
      return Promise.resolve()
    },
    close: () => undefined,
  }
}
