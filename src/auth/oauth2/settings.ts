// The ext file of `oauth2` databases.
import { boolean, enumeration, ignored, secret, string, uint, type ValuesOf } from '../../config/setting.ts'
import { readExtFile } from '../ext-file.ts'
import { type DatabaseNeeds, DatabaseConfigError } from '../passdb/passdb.ts'

/** The settings of a dovecot-oauth2.conf.ext. */
export const oauth2Rows = {
  tokeninfo_url: string('', 'Tells what a token is for; the token is appended.'),
  introspection_url: string('', 'Token introspection (RFC 7662); `user:password@` is sent as basic authentication.'),
  introspection_mode: enumeration(
    ['auth', 'get', 'post', 'local'],
    'How the token is given: as a bearer, appended, as a form field; or it is a JWT and is not sent at all.',
  ),
  force_introspection: boolean('no', 'Ask the introspection URL even when the token info was complete.'),
  grant_url: string('', 'Token endpoint for the password grant.'),
  use_grant_password: boolean('no', 'Exchange the password for a token with the password grant.'),
  client_id: string('', 'Our name; tokens that are checked here must be for it (`aud`).'),
  client_secret: secret('Our password.'),
  scope: string('', 'Words that must all be in the token, separated by blanks.'),
  username_attribute: string('email', 'The field of the answer or token that names the user.'),
  username_format: string('%Lu', 'How that field and the login name are made alike before they are compared.'),
  active_attribute: string('active', 'A field that, if it is there, must have a certain value.'),
  active_value: string('true', 'That value.'),
  pass_attrs: string('', 'Extra fields, `name=%{oauth2:field}`, separated by blanks.'),
  local_validation_key_dict: string('', 'Keys of JWTs: `fs:posix:prefix=DIRECTORY/`, with files `AZP/ALG/KID`.'),
  issuers: string('', 'Issuers whose JWTs are taken, separated by blanks; empty: all.'),
  openid_configuration_url: string(
    '',
    'Told to clients; the keys of JWTs that no dict has come from the `jwks_uri` found there.',
  ),
  timeout_msecs: uint('0', 'Give up on an answer after this long; 0: 10 seconds.'),
  max_idle_time_msecs: uint('60000', 'Close connections that are idle for this long.'),
  max_parallel_connections: uint('10', 'Connections to one server.'),
  max_pipelined_requests: ignored('requests are not pipelined', uint('1', 'Requests sent ahead on one connection.')),
  send_auth_headers: boolean('no', "Send the client's service and addresses as X-Dovecot-Auth headers."),
  tls_ca_cert_file: string('', 'File of certificate authorities.'),
  tls_ca_cert_dir: string('', 'Directory of certificate authorities.'),
  tls_cert_file: string('', 'Client certificate.'),
  tls_key_file: string('', 'Key of the client certificate.'),
  tls_cipher_suite: string('HIGH:!SSLv2', 'Ciphers, in the notation of OpenSSL.'),
  tls_allow_invalid_cert: boolean('no', 'Take any certificate.'),
  rawlog_dir: ignored('it would hold tokens', string('', 'Directory for transcripts.')),
  debug: ignored('`auth_debug` tells more', boolean('no', 'Log more.')),
} as const

export type Oauth2Settings = ValuesOf<typeof oauth2Rows> & { readonly path: string }

/** Reads an ext file. Throws DatabaseConfigError with Dovecot's fatal line. */
export function readOauth2Settings(path: string, needs: DatabaseNeeds): Oauth2Settings {
  const { values } = readExtFile('oauth2', path, oauth2Rows, needs)
  const fault = faultOf({ ...values, path })
  if (fault !== undefined) throw new DatabaseConfigError(`oauth2 ${path}: ${fault}`)
  return { ...values, path }
}

function faultOf(settings: Oauth2Settings): string | undefined {
  const { tokeninfo_url: tokeninfo, introspection_url: introspection, grant_url: grant, client_id: client } = settings
  const keys = settings.local_validation_key_dict
  const isLocal = settings.introspection_mode === 'local'
  if (tokeninfo === '' && introspection === '' && (grant === '' || client === '') && keys === '' && !isLocal)
    return 'Password grant or token info or introspection required'
  if (isLocal && keys === '' && settings.openid_configuration_url === '')
    return 'local_validation_key_dict is required for local introspection.'
  if (settings.use_grant_password && (grant === '' || client === ''))
    return 'use_grant_password requires grant_url and client_id'
  if (keys !== '' && !/^fs:posix:prefix=\/.*\/$/.test(keys))
    return `local_validation_key_dict: ${keys} is not supported: use fs:posix:prefix=DIRECTORY/`
  for (const url of [tokeninfo, introspection, grant, settings.openid_configuration_url])
    if (url !== '' && !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return `Invalid URL: ${url}`
  return undefined
}
