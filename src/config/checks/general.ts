import type { ConfigFiles } from '../files.ts'
import type { Settings } from '../settings/index.ts'
import type { Finding } from './finding.ts'

const FACILITIES =
  'auth authpriv cron daemon ftp kern lpr mail news syslog user uucp local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  )

/** Settings of the server as a whole, and TLS. */
export function checkGeneral(settings: Settings, files: ConfigFiles): readonly Finding[] {
  return [...checkUsers(settings, files), ...checkTls(settings), ...checkRanges(settings), ...checkCluster(settings)]
}

function* checkUsers(settings: Settings, files: ConfigFiles): Generator<Finding> {
  for (const path of ['default_login_user', 'default_internal_user'] as const) {
    const user = settings[path]
    // The built-in users are those of the Dovecot package, which need not be there.
    if (user === (path === 'default_login_user' ? 'dovenull' : 'dovecot')) continue
    if (files.userExists?.(user) === false) yield { text: `${path} doesn't exist: ${user}`, path }
  }
  if (!FACILITIES.includes(settings.syslog_facility)) {
    yield { text: `Unknown syslog_facility: ${settings.syslog_facility}`, path: 'syslog_facility' }
  }
}

function* checkTls(settings: Settings): Generator<Finding> {
  if (settings.ssl === 'no') return
  if (settings.ssl_verify_client_cert && settings.ssl_ca === '') {
    yield { text: 'ssl_verify_client_cert set, but ssl_ca not', path: 'ssl_verify_client_cert' }
  }
  const unknown = settings.ssl_options.find((word) => !['compression', 'no_compression', 'no_ticket'].includes(word))
  if (unknown !== undefined) yield { text: `ssl_options: unknown flag: '${unknown}'`, path: 'ssl_options' }
}

function* checkCluster({ postern_cluster: url }: Settings): Generator<Finding> {
  if (url !== '' && !(URL.canParse(url) && /^rediss?:\/\/[^/]/.test(url)))
    yield { text: 'postern_cluster is no redis:// or rediss:// URL', path: 'postern_cluster' }
}

function* checkRanges(settings: Settings): Generator<Finding> {
  for (const kind of ['uid', 'gid'] as const) {
    const last = settings[`last_valid_${kind}`]
    if (last !== 0 && settings[`first_valid_${kind}`] > last) {
      yield { text: `first_valid_${kind} can't be larger than last_valid_${kind}`, path: `last_valid_${kind}` }
    }
  }
  if (settings.director_user_expire < 10_000) {
    yield { text: 'director_user_expire is too low', path: 'director_user_expire' }
  }
}
