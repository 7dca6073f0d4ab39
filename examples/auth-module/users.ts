// A passdb, userdb and group provider. Postern loads it into a thread of its own, and again when you save it.

interface Login {
  readonly user: string
  readonly service: string
  readonly remoteIp: string
}

/** Instead of a table you would ask your own service here; every function may be async. */
const users = new Map([
  ['joe', { password: '{PLAIN}joes-secret', backend: '10.0.0.1', groups: ['staff'] }],
  ['jane', { password: '{PLAIN}janes-secret', backend: '10.0.0.2', groups: ['staff', 'board'] }],
])

export default {
  lookupPassword({ user }: Login) {
    const found = users.get(user)
    if (found === undefined) return { result: 'unknown-user' }
    return { result: 'ok', fields: { password: found.password, proxy: true, host: found.backend } }
  },

  lookupUser({ user }: Login) {
    return users.has(user)
      ? { result: 'ok', fields: { uid: 5000, gid: 5000, home: `/srv/mail/${user}` } }
      : { result: 'unknown-user' }
  },

  groupsOf({ user }: Login) {
    return users.get(user)?.groups ?? []
  },

  listUsers() {
    return [...users.keys()]
  },
}
