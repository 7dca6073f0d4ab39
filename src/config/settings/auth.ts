import { boolean, duration, ignored, list, secret, size, string, uint } from '../setting.ts'

const NO_WORKERS = 'slow databases do not block Postern, so there are no auth worker processes'
const NO_GSSAPI = 'Kerberos is not supported'
const NO_NTLM = 'NTLM is not supported'

/** Who may log in and how the databases are asked. */
export const authSettings = {
  auth_mechanisms: list('plain', 'SASL mechanisms on offer, in the order they are announced.', ' '),
  auth_realms: list('', 'Realms that DIGEST-MD5 announces.', ' '),
  auth_default_realm: string('', 'Domain given to user names without one.'),
  auth_username_chars: string(
    'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890.-_@',
    'Characters a user name may hold; empty allows all.',
  ),
  auth_username_translation: string('', 'Pairs of characters: each first one in a user name becomes the second one.'),
  auth_username_format: string('%Lu', 'User name as the databases see it.'),
  auth_master_user_separator: string('', 'Character in `user*master` that makes a login a master login.'),
  auth_anonymous_username: string('anonymous', 'User that ANONYMOUS logs in.'),
  auth_cache_size: size('0', 'Memory for remembered answers of the databases; 0 remembers nothing.'),
  auth_cache_ttl: duration('1 hours', 'How long a good answer is remembered.'),
  auth_cache_negative_ttl: duration(
    '1 hours',
    'How long an unknown user or wrong password is remembered; 0 is not at all.',
  ),
  auth_failure_delay: duration('2 secs', 'Pause before a failed login is answered.'),
  auth_proxy_self: list('', 'Further addresses of this server: proxying there means serving locally.', ' '),
  auth_socket_path: ignored('databases are asked without a socket', string('auth-userdb', 'Socket of user lookups.')),
  auth_verbose: boolean('no', 'Log why logins fail.'),
  auth_verbose_passwords: string('no', 'Log wrong passwords: no, plain or sha1, each with an optional `:LENGTH`.'),
  auth_debug: boolean('no', 'Log every step of a login.'),
  auth_debug_passwords: boolean('no', 'Log passwords too. For a laboratory only.'),
  auth_ssl_require_client_cert: boolean('no', 'Refuse clients without a valid certificate.'),
  auth_ssl_username_from_cert: boolean('no', 'Take the user name from the client certificate.'),
  auth_cache_verify_password_with_worker: ignored(NO_WORKERS, boolean('no', 'Check remembered passwords in a worker.')),
  auth_worker_max_count: uint('30', 'Programs of checkpassword, or processes for pam (at most 8), that run at once.'),
  auth_stats: ignored('metrics are always collected', boolean('no', 'Collect statistics of logins.')),
  auth_krb5_keytab: ignored(NO_GSSAPI, string('', 'Kerberos key file.')),
  auth_gssapi_hostname: ignored(NO_GSSAPI, string('', 'Host name in Kerberos principals.')),
  auth_use_winbind: ignored(NO_NTLM, boolean('no', 'Authenticate through Samba.')),
  auth_winbind_helper_path: ignored(NO_NTLM, string('/usr/bin/ntlm_auth', 'Helper program of Samba.')),
} as const

/** The policy server that is asked before and after logins. */
export const authPolicySettings = {
  auth_policy_server_url: string('', 'Address of the policy server; empty asks none.'),
  auth_policy_server_api_header: secret('Header line for the policy server, usually holding a key.'),
  auth_policy_server_timeout_msecs: uint('2000', 'How long to wait for the policy server, in milliseconds.'),
  auth_policy_hash_mech: string('sha256', 'Hash in which the policy server sees passwords.'),
  auth_policy_hash_nonce: secret('Secret mixed into that hash. Needed when a policy server is set.'),
  auth_policy_hash_truncate: uint('12', 'Bits of that hash that are sent.'),
  auth_policy_request_attributes: string(
    'login=%{requested_username} pwhash=%{hashed_password} remote=%{rip} device_id=%{client_id} protocol=%s session_id=%{session}',
    'What the policy server is told.',
  ),
  auth_policy_reject_on_fail: boolean('no', 'Refuse logins while the policy server does not answer.'),
  auth_policy_check_before_auth: boolean('yes', 'Ask before the databases.'),
  auth_policy_check_after_auth: boolean('yes', 'Ask after the databases.'),
  auth_policy_report_after_auth: boolean('yes', 'Report the outcome of logins.'),
  auth_policy_log_only: boolean('no', 'Log what the policy server says without following it.'),
} as const

/** What belongs to the auth service, which knows protocols but neither `local` nor `remote` nor `local_name`. */
export const authServiceSettings: ReadonlySet<string> = new Set([
  ...Object.keys(authSettings).filter((key) => key !== 'auth_socket_path'),
  ...Object.keys(authPolicySettings),
  'base_dir',
  'first_valid_gid',
  'first_valid_uid',
  'last_valid_gid',
  'last_valid_uid',
  'passdb',
  'ssl_client_ca_dir',
  'ssl_client_ca_file',
  'userdb',
  'verbose_proctitle',
])
