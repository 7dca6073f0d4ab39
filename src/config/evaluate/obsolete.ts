// Settings of Dovecot 1.x and 2.0 that 2.3 still reads under their new names.
import type { SourcePosition } from '../complaint.ts'
import { matchesFilter, queryOf } from '../filter.ts'
import { splitList } from '../value/number.ts'
import type { RawValue } from '../syntax/line.ts'
import type { AssignNode, SectionNode } from '../syntax/tree.ts'
import { minimumProtocol } from './obsolete-ssl.ts'
import { readAuthSection } from './obsolete-auth.ts'
import { type Frame, obsolete, type SettingSink } from './sink.ts'

interface Renamed {
  readonly name: string
  /** Words that changed together with the name. */
  readonly words?: ReadonlyMap<string, string>
}

/** Old names of settings. */
const RENAMED = new Map<string, Renamed>([
  [
    'ssl_disable',
    {
      name: 'ssl',
      words: new Map([
        ['yes', 'no'],
        ['no', 'yes'],
      ]),
    },
  ],
  [
    'fsync_disable',
    {
      name: 'mail_fsync',
      words: new Map([
        ['yes', 'never'],
        ['no', 'optimized'],
      ]),
    },
  ],
  ['dbox_rotate_size', { name: 'mdbox_rotate_size' }],
])

const REMOVED: ReadonlyMap<string, string> = new Map([
  ['ssl_parameters_regenerate', 'is no longer needed'],
  ['ssl_dh_parameters_length', 'is no longer needed'],
  ['login_dir', 'has been removed'],
  ['dbox_rotate_min_size', 'has been removed'],
  ['dbox_rotate_days', 'has been removed'],
  ['director_consistent_hashing', 'has been removed'],
  ['mail_log_max_lines_per_sec', 'has been removed'],
  ['maildir_copy_preserve_filename', 'has been removed'],
])

interface Moved {
  /** Of the service's name: `imap-login` or `imap`. */
  readonly suffix: '-login' | ''
  readonly key: string
  readonly convert?: (value: string) => string
}

const inMegabytes = (value: string) => `${value} M`

/** Settings that moved into the services of each protocol. */
const MOVED_TO_SERVICES = new Map<string, Moved>([
  ['login_chroot', { suffix: '-login', key: 'chroot', convert: (value) => (value === 'no' ? '' : 'login') }],
  ['login_user', { suffix: '-login', key: 'user' }],
  ['login_executable', { suffix: '-login', key: 'executable' }],
  ['login_process_size', { suffix: '-login', key: 'vsz_limit', convert: inMegabytes }],
  [
    'login_process_per_connection',
    { suffix: '-login', key: 'service_count', convert: (value) => (value === 'no' ? '0' : '1') },
  ],
  ['login_processes_count', { suffix: '-login', key: 'process_min_avail' }],
  ['login_max_processes_count', { suffix: '-login', key: 'process_limit' }],
  ['login_max_connections', { suffix: '-login', key: 'client_limit' }],
  ['max_mail_processes', { suffix: '', key: 'process_limit' }],
  ['mail_executable', { suffix: '', key: 'executable' }],
  ['mail_process_size', { suffix: '', key: 'vsz_limit', convert: inMegabytes }],
  ['mail_drop_priv_before_exec', { suffix: '', key: 'drop_priv_before_exec' }],
])

/** Settings that moved into `service auth`. */
const MOVED_TO_AUTH = new Map<string, Omit<Moved, 'suffix'>>([
  ['auth_executable', { key: 'executable' }],
  ['auth_process_size', { key: 'vsz_limit', convert: inMegabytes }],
  ['auth_user', { key: 'user' }],
  ['auth_chroot', { key: 'chroot' }],
])

const PROTOCOLS = ['imap', 'pop3', 'managesieve'] as const

/** Reads a setting under its new name when it has an old one. False: it is not an old one. */
export function modernise(sink: SettingSink, frame: Frame, node: AssignNode): boolean {
  if (node.value.form !== 'text') return false
  const { key, at } = node
  const value = node.value.text
  if (frame.prefix === 'plugin/' && key === 'imap_zlib_compress_level') {
    obsolete(sink, `${key} has been replaced by imap_compress_deflate_level`, at)
    sink.assign(frame, 'imap_compress_deflate_level', text(value), at)
    return true
  }
  if (frame.prefix !== '') return false
  return moderniseTopLevel(sink, frame, key, value, at)
}

/** The same for a section. */
export function moderniseSection(sink: SettingSink, frame: Frame, node: SectionNode): boolean {
  if (frame.prefix !== '') return false
  if (node.type === 'auth') {
    obsolete(sink, 'add auth_ prefix to all settings inside auth {} and remove the auth {} section completely', node.at)
    readAuthSection(sink, frame, node, (key, value, at) => moderniseTopLevel(sink, frame, key, value, at))
    return true
  }
  if (node.type === 'protocol' && node.name === 'managesieve') {
    obsolete(sink, 'protocol managesieve {} has been replaced by protocol sieve { }', node.at)
    sink.openAndRead(frame, node, 'protocol', 'sieve', [])
    return true
  }
  if (node.type === 'service' && node.name === 'dns_client') {
    obsolete(sink, 'service dns_client {} has been replaced by service dns-client { }', node.at)
    sink.openAndRead(frame, node, 'service', 'dns-client', [])
    return true
  }
  return false
}

function moderniseTopLevel(sink: SettingSink, frame: Frame, key: string, value: string, at: SourcePosition): boolean {
  const moved = MOVED_TO_SERVICES.get(key)
  if (moved !== undefined) {
    obsolete(sink, `${key} has been replaced by service { ${moved.key} }`, at)
    const converted = moved.convert?.(value) ?? value
    for (const protocol of protocolsOf(frame)) {
      sink.assign(sink.root, `service/${protocol}${moved.suffix}/${moved.key}`, text(converted), at)
    }
    return true
  }
  const auth = MOVED_TO_AUTH.get(key)
  if (auth !== undefined) {
    obsolete(sink, `${key} has been replaced by service auth { ${auth.key} }`, at)
    sink.assign(sink.root, `service/auth/${auth.key}`, text(auth.convert?.(value) ?? value), at)
    return true
  }
  const removed = REMOVED.get(key)
  if (removed !== undefined) {
    obsolete(sink, `${key} ${removed}`, at)
    return true
  }
  return moderniseListen(sink, frame, key, value, at) || moderniseValue(sink, frame, key, value, at)
}

function moderniseValue(sink: SettingSink, frame: Frame, key: string, value: string, at: SourcePosition): boolean {
  const renamed = RENAMED.get(key) ?? renamedByPrefix(key)
  if (renamed !== undefined) {
    obsolete(sink, `${key} has been renamed to ${renamed.name}`, at)
    sink.assign(frame, renamed.name, text(renamed.words?.get(value.toLowerCase()) ?? value), at)
    return true
  }
  switch (key) {
    case 'protocols':
      sink.assign(frame, key, text(modernProtocols(sink, value, at)), at)
      return true
    case 'imap_client_workarounds':
      sink.assign(frame, key, text(modernWorkarounds(sink, value, at)), at)
      return true
    case 'ssl_cert_file':
    case 'ssl_key_file':
    case 'ssl_ca_file':
      if (value === '') return true
      obsolete(sink, `${key} has been replaced by ${key.slice(0, -5)} = <file`, at)
      sink.assign(frame, key.slice(0, -5), { form: 'file', text: value }, at)
      return true
    case 'ssl_protocols':
      obsolete(sink, `${key} has been replaced by ssl_min_protocol`, at)
      return moderniseSslProtocols(sink, frame, value, at)
    case 'sieve':
    case 'sieve_storage':
      obsolete(
        sink,
        key === 'sieve'
          ? 'sieve has been moved into plugin {} section'
          : 'sieve_storage has been moved into plugin { sieve_dir }',
        at,
      )
      sink.assign(frame, `plugin/${key}`, text(value), at)
      return true
    case 'auth_cache_size':
      return moderniseCacheSize(sink, frame, value, at)
    case 'auth_count':
      obsolete(sink, `auth_count has been removed${value === 'count' ? '' : ', and its value must be 1'}`, at)
      return true
    default:
      return false
  }
}

function renamedByPrefix(key: string): Renamed | undefined {
  const old = 'mail_cache_compress_'
  return key.startsWith(old) ? { name: `mail_cache_purge_${key.slice(old.length)}` } : undefined
}

function modernProtocols(sink: SettingSink, value: string, at: SourcePosition): string {
  const given = splitList(value, ' ')
  const words = given.filter((word) => word !== 'imaps' && word !== 'pop3s')
  for (const word of given) {
    if (word === 'managesieve') obsolete(sink, 'protocols=managesieve has been renamed to protocols=sieve', at)
  }
  for (const protocol of ['imap', 'pop3']) {
    if (!given.includes(`${protocol}s`)) continue
    if (given.includes(protocol)) {
      obsolete(sink, `'${protocol}s' protocol is no longer necessary, remove it`, at)
      continue
    }
    const hint = `to disable non-ssl ${protocol}, use service ${protocol}-login { inet_listener ${protocol} { port=0 } }`
    obsolete(sink, `'${protocol}s' protocol can no longer be specified (use protocols=${protocol}). ${hint}`, at)
    words.push(protocol)
    sink.assign(sink.root, `service/${protocol}-login/inet_listener/${protocol}/port`, text('0'), at)
  }
  return words.map((word) => (word === 'managesieve' ? 'sieve' : word)).join(' ')
}

function modernWorkarounds(sink: SettingSink, value: string, at: SourcePosition): string {
  const words = splitList(value, ' ,').map((word) => {
    if (word === 'outlook-idle') obsolete(sink, 'imap_client_workarounds=outlook-idle is no longer necessary', at)
    else if (word === 'netscape-eoh') obsolete(sink, 'imap_client_workarounds=netscape-eoh is no longer supported', at)
    else return word
    return ''
  })
  return words.join(' ')
}

function moderniseSslProtocols(sink: SettingSink, frame: Frame, value: string, at: SourcePosition): true {
  const minimum = minimumProtocol(value)
  if (minimum.ok) sink.assign(frame, 'ssl_min_protocol', text(minimum.protocol), at)
  else {
    const what = `Could not find a minimum ssl_min_protocol setting from ssl_protocols = ${value}: ${minimum.error}`
    sink.complain('warning', what, at)
  }
  return true
}

/** Once the size was in megabytes. */
function moderniseCacheSize(sink: SettingSink, frame: Frame, value: string, at: SourcePosition): boolean {
  if (!/^[0-9]+$/.test(value) || Number(value) === 0 || Number(value) >= 1024) return false
  obsolete(sink, `auth_cache_size value no longer defaults to megabytes. Use ${value}M`, at)
  sink.assign(frame, 'auth_cache_size', text(`${value}M`), at)
  return true
}

/** `listen = *:143`, `ssl_listen`, and `listen` inside a protocol: today ports and addresses of listeners. */
function moderniseListen(sink: SettingSink, frame: Frame, key: string, value: string, at: SourcePosition): boolean {
  const secure = key === 'ssl_listen' ? 's' : ''
  const isRoot = matchesFilter(frame.filter, queryOf({}))
  if (key !== 'ssl_listen' && (key !== 'listen' || (isRoot && !holdsPort(value)))) return false
  if (value === '') return secure === 's' || !isRoot
  let addresses = value
  if (holdsPort(value)) {
    obsolete(sink, `${key}=..:port has been replaced by service { inet_listener { port } }`, at)
    const colon = value.lastIndexOf(':')
    addresses = value.slice(0, colon)
    setListeners(sink, frame, secure, 'port', value.slice(colon + 1), at)
  }
  if (isRoot && secure === '') sink.assign(frame, key, text(addresses), at)
  else {
    obsolete(sink, `protocol { ${key} } has been replaced by service { inet_listener { address } }`, at)
    setListeners(sink, frame, secure, 'address', addresses, at)
  }
  return true
}

function setListeners(
  sink: SettingSink,
  frame: Frame,
  secure: string,
  key: string,
  value: string,
  at: SourcePosition,
): void {
  for (const protocol of protocolsOf(frame)) {
    // The listener of ManageSieve has another name by now, so that Dovecot sets nothing for it.
    if (protocol === 'managesieve') continue
    sink.assign(sink.root, `service/${protocol}-login/inet_listener/${protocol}${secure}/${key}`, text(value), at)
  }
}

function holdsPort(value: string): boolean {
  return splitList(value, ', ').some((word) => /^(\[[^\]]*\]|[^:[\]]*):[0-9]+$/.test(word))
}

/** The old protocols that a section is for; a section for certain addresses is for none. */
function protocolsOf(frame: Frame): readonly (typeof PROTOCOLS)[number][] {
  return PROTOCOLS.filter((protocol) =>
    matchesFilter(frame.filter, queryOf({ protocol: protocol === 'managesieve' ? 'sieve' : protocol })),
  )
}

function text(value: string): RawValue {
  return { form: 'text', text: value }
}
