import { fieldsFrom } from '../ldap/attributes.ts'
import { findEntry, listEntries, type LdapDatabase, openLdapDatabase } from '../ldap/database.ts'
import type { UserdbDriver } from './userdb.ts'

/** `ldap`: `user_filter` and `user_attrs` of an ext file; `iterate_filter` lists the users. */
export const ldapUserdb = {
  name: 'ldap',
  open(path, needs) {
    const database = openLdapDatabase(path, needs)
    const { settings, directory, userQuery } = database
    return {
      cacheKey: settings.base + settings.user_attrs + settings.user_filter,
      async lookup(request) {
        const outcome = await findEntry(database, userQuery, request)
        switch (outcome.kind) {
          case 'failed':
            return { kind: 'internal-failure', log: outcome.log }
          case 'unknown':
            request.logUnknownUser()
            return { kind: 'unknown' }
          default: {
            const warn = (text: string): void => request.logDatabase('warning', text)
            return { kind: 'found', fields: fieldsFrom(userQuery.attributes, outcome.entries, warn, ['gid']) }
          }
        }
      },
      iterate: (signal) => namesIn(database, signal),
      warm: () => directory.warm(),
      check: () => directory.check(),
      close: () => Promise.resolve(directory.close()),
    }
  },
} as const satisfies UserdbDriver

/** The field `user` of every entry; entries without one are nobody's. */
async function* namesIn(database: LdapDatabase, signal: AbortSignal): AsyncIterable<string> {
  const { attributes } = database.iterateQuery
  for await (const entry of listEntries(database, signal)) {
    const fields = fieldsFrom(attributes, new Map([['', entry]]), () => undefined)
    const user = fields.find(({ name }) => name === 'user')?.value
    const name = user === null || user === undefined || typeof user === 'string' ? user : user.expand(() => '')
    if (typeof name === 'string' && name !== '') yield name
  }
}
