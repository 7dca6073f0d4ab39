import type { Config, Filter } from '../../config/config.ts'
import type { Finding } from './finding.ts'

/** Plugins whose work is done here. */
const DONE: ReadonlySet<string> = new Set([
  'acl',
  'imap_acl',
  'imap_quota',
  'imap_zlib',
  'mail_log',
  'notify',
  'quota',
  'zlib',
])

/** What nobody does, by plugin. */
const MISSING: ReadonlyMap<string, string> = new Map([
  ['sieve', 'scripts are not run, mail goes to INBOX or to the detail mailbox'],
  ['imap_sieve', 'scripts are not run'],
  ['imap_filter_sieve', 'scripts are not run'],
  ['fts', 'SEARCH reads messages, and nothing is indexed for it'],
  ['fts_solr', 'SEARCH asks nobody'],
  ['fts_lucene', 'SEARCH reads messages'],
  ['fts_squat', 'SEARCH reads messages'],
  ['fts_xapian', 'SEARCH reads messages'],
  ['fts_flatcurve', 'SEARCH reads messages'],
  ['virtual', 'there are no virtual mailboxes'],
  ['lazy_expunge', 'what is expunged is gone at once'],
  ['trash', 'nothing is removed to make room for new mail'],
  ['listescape', 'names with the separator in them are not there'],
  ['last_login', 'nobody notes when users logged in'],
  ['push_notification', 'nobody is notified of new mail'],
  ['quota_clone', 'usage is not written to a dictionary'],
  ['replication', 'nothing is replicated'],
  ['welcome', 'no script runs when INBOX is made'],
])

/** Messages that these change on disk are nothing that can be read here. */
const UNREADABLE: ReadonlySet<string> = new Set(['mail_crypt', 'mail_crypt_acl', 'mail_filter'])
const READABLE_PACKINGS: ReadonlySet<string> = new Set(['', 'gz', 'zstd'])

/** Plugins of `mail_plugins` that have no effect, or whose mail cannot be read. */
export function checkPlugins(config: Config, filter: Filter): readonly Finding[] {
  const { mail_plugins: plugins } = config.settings(filter)
  const findings = plugins.filter((name) => !DONE.has(name)).map(findingOf)
  if (plugins.includes('mail_log') && !plugins.includes('notify'))
    findings.push(warning('mail_plugins = mail_log without notify: Dovecot refuses it'))
  const packing = config.plugin(filter).get('zlib_save') ?? ''
  if (plugins.includes('zlib') && !READABLE_PACKINGS.has(packing.toLowerCase()))
    findings.push(warning(`plugin { zlib_save = ${packing} }: messages that are compressed so cannot be read`))
  return findings
}

function findingOf(name: string): Finding {
  if (UNREADABLE.has(name)) return warning(`mail_plugins = ${name}: messages that it changed cannot be read`)
  return warning(`mail_plugins = ${name} has no effect: ${MISSING.get(name) ?? 'Dovecot plugins cannot be loaded'}`)
}

function warning(text: string): Finding {
  return { severity: 'warning', text }
}
