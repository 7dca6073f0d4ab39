// One ext file: its settings, its compiled filters, its directory. Blocks with the same file share one.
import { ExpandError, type Template } from '../../config/expand.ts'
import { Secret } from '../../util/secret.ts'
import { compileLate } from '../field-template.ts'
import { type DatabaseNeeds, type DatabaseRequest, DatabaseConfigError } from '../passdb/passdb.ts'
import { type AttributeList, type LdapEntries, type LdapEntry, parseAttributes, withLdap } from './attributes.ts'
import { type LdapBind, LdapError, type LdapSearch } from './connection.ts'
import { Directory } from './directory.ts'
import { escapeLdap, ldaptsFilter } from './escape.ts'
import { serversOf } from './server.ts'
import { type LdapSettings, readLdapSettings } from './settings.ts'

/** What is searched, and what of the entry is wanted. */
export interface LdapQuery {
  /** `pass_filter` or `user_filter`, for the log. */
  readonly name: string
  readonly filter: Template
  readonly attributes: AttributeList
}

export type LdapOutcome =
  | { readonly kind: 'found'; readonly entries: LdapEntries; readonly dn: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly log: string }

export interface LdapDatabase {
  readonly settings: LdapSettings
  readonly directory: Directory
  readonly passQuery: LdapQuery
  readonly userQuery: LdapQuery
  readonly iterateQuery: LdapQuery
}

const databases = new WeakMap<DatabaseNeeds, Map<string, LdapDatabase>>()

/** Opens an ext file, once for all blocks of a service. Throws DatabaseConfigError. */
export function openLdapDatabase(path: string, needs: DatabaseNeeds): LdapDatabase {
  const known = databases.get(needs) ?? new Map<string, LdapDatabase>()
  databases.set(needs, known)
  let database = known.get(path)
  if (database === undefined) known.set(path, (database = open(path, needs)))
  return database
}

function open(path: string, needs: DatabaseNeeds): LdapDatabase {
  const settings = readLdapSettings(path, needs)
  const query = (name: string, filter: string, attributes: string): LdapQuery => {
    const list = parseAttributes(attributes)
    if (typeof list === 'string') throw new DatabaseConfigError(`LDAP ${path}: ${list}`)
    return { name, filter: compileLate(filter), attributes: list }
  }
  return {
    settings,
    directory: new Directory(serversOf(settings, needs), bindOf(settings), needs),
    passQuery: query('pass_filter', settings.pass_filter, settings.pass_attrs),
    userQuery: query('user_filter', settings.user_filter, settings.user_attrs),
    iterateQuery: query('iterate_filter', settings.iterate_filter, settings.iterate_attrs),
  }
}

function bindOf({ dn, dnpass, ...settings }: LdapSettings): LdapBind {
  if (!settings.sasl_bind) return { kind: 'simple', dn, password: dnpass }
  const mechanism = settings.sasl_mech.toUpperCase()
  const authzid = settings.sasl_authz_id
  const response = mechanism === 'PLAIN' ? `${authzid}\0${dn}\0${dnpass.reveal().toString('utf8')}` : authzid
  return { kind: 'sasl', mechanism, response: new Secret(response) }
}

/** Searches the one entry of a user, and those it points to. Faults are outcomes. */
export async function findEntry(
  { settings, directory }: LdapDatabase,
  { name, filter, attributes }: LdapQuery,
  request: DatabaseRequest,
): Promise<LdapOutcome> {
  let search: LdapSearch | string
  try {
    search = searchFor(settings, filter.expand(request.lookup, escapeLdap), attributes, request)
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error
    search = `Failed to expand ${name}: ${error.message}`
  }
  if (typeof search === 'string') return { kind: 'failed', log: search }
  const shown = `base=${search.base} filter=${search.filter}`
  request.logDatabase('debug', `search: ${shown} scope=${settings.scope} fields=${search.attributes.join(',')}`)
  try {
    const found = await directory.search(search)
    const [entry] = found
    if (entry === undefined) return { kind: 'unknown' }
    if (found.length > 1) return { kind: 'failed', log: `${name} matched multiple objects, aborting` }
    return { kind: 'found', dn: entry.dn, entries: await withPointedTo(directory, attributes, entry, request) }
  } catch (error) {
    if (error instanceof LdapError) return { kind: 'failed', log: `ldap_search(${shown}) failed: ${error.message}` }
    if (error instanceof ExpandError) return { kind: 'failed', log: `Failed to expand attrs: ${error.message}` }
    throw error
  }
}

const SCOPES = { subtree: 'sub', onelevel: 'one', base: 'base' } as const

function searchFor(
  settings: LdapSettings,
  filter: string,
  attributes: AttributeList,
  request: Pick<DatabaseRequest, 'lookup'>,
): LdapSearch | string {
  const written = ldaptsFilter(filter)
  if (written === undefined) return `filter ${filter} is not UTF-8`
  return {
    base: compileLate(settings.base).expand(request.lookup, escapeLdap),
    scope: SCOPES[settings.scope],
    filter: written,
    attributes: attributes.wanted.get('') ?? [],
  }
}

/** The entries of `@name=%{ldap:attr}`, by their DN. One that is not there has no attributes. */
async function withPointedTo(
  directory: Directory,
  { subqueries, wanted }: AttributeList,
  entry: LdapEntry,
  request: DatabaseRequest,
): Promise<LdapEntries> {
  const entries = new Map([['', entry]])
  for (const { name, dn } of subqueries) {
    const base = dn.expand(withLdap(entries, request.lookup))
    if (base === '') continue
    const [pointed] = await directory.search({
      base,
      scope: 'base',
      filter: '(objectClass=*)',
      attributes: wanted.get(name) ?? [],
    })
    if (pointed !== undefined) entries.set(name, pointed)
  }
  return entries
}

/** All entries of `iterate_filter`. */
export function listEntries(
  { settings, directory, iterateQuery }: LdapDatabase,
  signal: AbortSignal,
): AsyncIterable<LdapEntry> {
  const nobody = { lookup: () => '' }
  const search = searchFor(settings, iterateQuery.filter.expand(nobody.lookup), iterateQuery.attributes, nobody)
  if (typeof search === 'string') throw new Error(search)
  return directory.searchAll(search, signal)
}
