/** A service as Dovecot 2.3.19 has it without any configuration; what is not said is the row's own default. */
export interface DefaultService {
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  readonly listeners: readonly DefaultListener[]
}

export interface DefaultListener {
  readonly kind: 'inet_listener' | 'unix_listener' | 'fifo_listener'
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
}

/** The built-in services, in Dovecot's order: a service without a name is reported by its number after these. */
export const defaultServices: readonly DefaultService[] = [
  {
    name: 'managesieve-login',
    settings: {
      protocol: 'sieve',
      type: 'login',
      executable: 'managesieve-login',
      user: '$default_login_user',
      chroot: 'login',
      service_count: '1',
    },
    listeners: [{ kind: 'inet_listener', name: 'sieve', settings: { port: '4190' } }],
  },
  {
    name: 'managesieve',
    settings: {
      protocol: 'sieve',
      executable: 'managesieve',
      client_limit: '1',
      service_count: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'login/sieve', settings: { mode: '0666' } }],
  },
  {
    name: 'tcpwrap',
    settings: {
      executable: 'tcpwrap',
      user: '$default_internal_user',
      client_limit: '1',
    },
    listeners: [],
  },
  {
    name: 'health-check',
    settings: {
      executable: 'script -p health-check.sh',
      user: '$default_internal_user',
      drop_priv_before_exec: 'yes',
      client_limit: '1',
    },
    listeners: [],
  },
  {
    name: 'submission',
    settings: {
      protocol: 'submission',
      executable: 'submission',
      extra_groups: '$default_internal_group',
      process_limit: '1024',
      client_limit: '1',
      service_count: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'login/submission', settings: { mode: '0666' } }],
  },
  {
    name: 'submission-login',
    settings: {
      protocol: 'submission',
      type: 'login',
      executable: 'submission-login',
      user: '$default_login_user',
      chroot: 'login',
      service_count: '1',
    },
    listeners: [{ kind: 'inet_listener', name: 'submission', settings: { port: '587' } }],
  },
  {
    name: 'stats',
    settings: {
      executable: 'stats',
      user: '$default_internal_user',
      process_limit: '1',
      idle_kill: '4294967295 secs',
    },
    listeners: [
      { kind: 'unix_listener', name: 'stats-reader', settings: {} },
      { kind: 'unix_listener', name: 'stats-writer', settings: { mode: '0660', group: '$default_internal_group' } },
      { kind: 'unix_listener', name: 'login/stats-writer', settings: { user: '$default_login_user' } },
    ],
  },
  {
    name: 'replicator',
    settings: {
      executable: 'replicator',
      process_limit: '1',
      idle_kill: '4294967295 secs',
    },
    listeners: [
      { kind: 'unix_listener', name: 'replicator', settings: { user: '$default_internal_user' } },
      { kind: 'unix_listener', name: 'replicator-doveadm', settings: { mode: '00', user: '$default_internal_user' } },
    ],
  },
  {
    name: 'aggregator',
    settings: {
      executable: 'aggregator',
      user: '$default_internal_user',
      chroot: '.',
    },
    listeners: [
      { kind: 'unix_listener', name: 'replication-notify', settings: {} },
      { kind: 'fifo_listener', name: 'replication-notify-fifo', settings: {} },
    ],
  },
  {
    name: 'pop3',
    settings: {
      protocol: 'pop3',
      executable: 'pop3',
      extra_groups: '$default_internal_group',
      process_limit: '1024',
      client_limit: '1',
      service_count: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'login/pop3', settings: { mode: '0666' } }],
  },
  {
    name: 'pop3-login',
    settings: {
      protocol: 'pop3',
      type: 'login',
      executable: 'pop3-login',
      user: '$default_login_user',
      chroot: 'login',
      service_count: '1',
    },
    listeners: [
      { kind: 'inet_listener', name: 'pop3', settings: { port: '110' } },
      { kind: 'inet_listener', name: 'pop3s', settings: { port: '995', ssl: 'yes' } },
    ],
  },
  {
    name: 'old-stats',
    settings: {
      executable: 'old-stats',
      user: '$default_internal_user',
      chroot: 'empty',
      process_limit: '1',
      idle_kill: '4294967295 secs',
    },
    listeners: [
      { kind: 'unix_listener', name: 'old-stats', settings: {} },
      { kind: 'fifo_listener', name: 'old-stats-mail', settings: {} },
      { kind: 'fifo_listener', name: 'old-stats-user', settings: {} },
    ],
  },
  {
    name: 'log',
    settings: {
      type: 'log',
      executable: 'log',
      process_limit: '1',
      idle_kill: '4294967295 secs',
    },
    listeners: [{ kind: 'unix_listener', name: 'log-errors', settings: {} }],
  },
  {
    name: 'lmtp',
    settings: {
      protocol: 'lmtp',
      executable: 'lmtp',
      extra_groups: '$default_internal_group',
      client_limit: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'lmtp', settings: { mode: '0666' } }],
  },
  {
    name: 'ipc',
    settings: {
      executable: 'ipc',
      user: '$default_internal_user',
      chroot: 'empty',
      process_limit: '1',
    },
    listeners: [
      { kind: 'unix_listener', name: 'ipc', settings: { user: '$default_internal_user' } },
      { kind: 'unix_listener', name: 'login/ipc-proxy', settings: { user: '$default_login_user' } },
    ],
  },
  {
    name: 'indexer-worker',
    settings: {
      type: 'worker',
      executable: 'indexer-worker',
      extra_groups: '$default_internal_group',
      process_limit: '10',
      client_limit: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'indexer-worker', settings: { user: '$default_internal_user' } }],
  },
  {
    name: 'indexer',
    settings: {
      executable: 'indexer',
      user: '$default_internal_user',
      process_limit: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'indexer', settings: { mode: '0666' } }],
  },
  {
    name: 'imap',
    settings: {
      protocol: 'imap',
      executable: 'imap',
      extra_groups: '$default_internal_group',
      process_limit: '1024',
      client_limit: '1',
      service_count: '1',
    },
    listeners: [
      { kind: 'unix_listener', name: 'login/imap', settings: { mode: '0666' } },
      { kind: 'unix_listener', name: 'imap-master', settings: {} },
    ],
  },
  {
    name: 'imap-urlauth-worker',
    settings: {
      protocol: 'imap',
      executable: 'imap-urlauth-worker',
      extra_groups: '$default_internal_group',
      process_limit: '1024',
      client_limit: '1',
      service_count: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'imap-urlauth-worker', settings: { user: '$default_internal_user' } }],
  },
  {
    name: 'imap-urlauth',
    settings: {
      protocol: 'imap',
      executable: 'imap-urlauth',
      user: '$default_internal_user',
      process_limit: '1024',
      client_limit: '1',
      service_count: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'token-login/imap-urlauth', settings: { mode: '0666' } }],
  },
  {
    name: 'imap-urlauth-login',
    settings: {
      protocol: 'imap',
      type: 'login',
      executable: 'imap-urlauth-login',
      user: '$default_login_user',
      chroot: 'token-login',
      service_count: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'imap-urlauth', settings: { mode: '0666' } }],
  },
  {
    name: 'imap-login',
    settings: {
      protocol: 'imap',
      type: 'login',
      executable: 'imap-login',
      user: '$default_login_user',
      chroot: 'login',
      service_count: '1',
    },
    listeners: [
      { kind: 'inet_listener', name: 'imap', settings: { port: '143' } },
      { kind: 'inet_listener', name: 'imaps', settings: { port: '993', ssl: 'yes' } },
    ],
  },
  {
    name: 'imap-hibernate',
    settings: {
      protocol: 'imap',
      executable: 'imap-hibernate',
      user: '$default_internal_user',
    },
    listeners: [
      { kind: 'unix_listener', name: 'imap-hibernate', settings: { mode: '0660', group: '$default_internal_group' } },
    ],
  },
  {
    name: 'doveadm',
    settings: {
      executable: 'doveadm-server',
      extra_groups: '$default_internal_group',
      client_limit: '1',
      service_count: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'doveadm-server', settings: {} }],
  },
  {
    name: 'dns-client',
    settings: {
      executable: 'dns-client',
      user: '$default_internal_user',
      client_limit: '1',
    },
    listeners: [
      { kind: 'unix_listener', name: 'dns-client', settings: { mode: '0666' } },
      { kind: 'unix_listener', name: 'login/dns-client', settings: { mode: '0666' } },
    ],
  },
  {
    name: 'director',
    settings: {
      executable: 'director',
      user: '$default_internal_user',
      chroot: '.',
      process_limit: '1',
      idle_kill: '4294967295 secs',
    },
    listeners: [
      { kind: 'unix_listener', name: 'login/director', settings: { mode: '00' } },
      { kind: 'unix_listener', name: 'director-admin', settings: {} },
      { kind: 'fifo_listener', name: 'login/proxy-notify', settings: { mode: '00' } },
    ],
  },
  {
    name: 'dict',
    settings: {
      executable: 'dict',
      user: '$default_internal_user',
      client_limit: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'dict', settings: { mode: '0660', group: '$default_internal_group' } }],
  },
  {
    name: 'dict-async',
    settings: {
      executable: 'dict',
      user: '$default_internal_user',
    },
    listeners: [
      { kind: 'unix_listener', name: 'dict-async', settings: { mode: '0660', group: '$default_internal_group' } },
    ],
  },
  {
    name: 'config',
    settings: {
      type: 'config',
      executable: 'config',
      idle_kill: '4294967295 secs',
    },
    listeners: [{ kind: 'unix_listener', name: 'config', settings: {} }],
  },
  {
    name: 'auth',
    settings: {
      executable: 'auth',
      user: '$default_internal_user',
      process_limit: '1',
    },
    listeners: [
      { kind: 'unix_listener', name: 'login/login', settings: { mode: '0666' } },
      { kind: 'unix_listener', name: 'token-login/tokenlogin', settings: { mode: '0666' } },
      { kind: 'unix_listener', name: 'auth-login', settings: { user: '$default_internal_user' } },
      { kind: 'unix_listener', name: 'auth-client', settings: { user: '$default_internal_user' } },
      { kind: 'unix_listener', name: 'auth-userdb', settings: { mode: '0666', user: '$default_internal_user' } },
      { kind: 'unix_listener', name: 'auth-master', settings: {} },
    ],
  },
  {
    name: 'auth-worker',
    settings: {
      type: 'worker',
      executable: 'auth -w',
      client_limit: '1',
    },
    listeners: [{ kind: 'unix_listener', name: 'auth-worker', settings: { user: '$default_internal_user' } }],
  },
  {
    name: 'anvil',
    settings: {
      type: 'anvil',
      executable: 'anvil',
      user: '$default_internal_user',
      chroot: 'empty',
      process_min_avail: '1',
      process_limit: '1',
      idle_kill: '4294967295 secs',
    },
    listeners: [
      { kind: 'unix_listener', name: 'anvil', settings: {} },
      { kind: 'unix_listener', name: 'anvil-auth-penalty', settings: {} },
    ],
  },
]
