import type { Settings } from '../settings/index.ts'
import type { Finding } from './finding.ts'

const GIGABYTE = 1024 ** 3

/** Rules between settings of mail storage, POP3 and replication. */
export function checkMail(settings: Settings): readonly Finding[] {
  return [...checkStorage(settings), ...checkAttachmentHash(settings), ...checkPop3(settings), ...checkRemote(settings)]
}

function* checkStorage(settings: Settings): Generator<Finding> {
  if (settings.mailbox_idle_check_interval === 0) {
    yield { text: 'mailbox_idle_check_interval must not be 0', path: 'mailbox_idle_check_interval' }
  }
  if (settings.mail_nfs_index && !settings.mmap_disable) {
    yield { text: 'mail_nfs_index=yes requires mmap_disable=yes', path: 'mail_nfs_index' }
  } else if (settings.mail_nfs_index && settings.mail_fsync !== 'always') {
    yield { text: 'mail_nfs_index=yes requires mail_fsync=always', path: 'mail_nfs_index' }
  }
  if (settings.mail_cache_max_size > GIGABYTE) {
    yield { text: "mail_cache_max_size can't be over 1 GB", path: 'mail_cache_max_size' }
  }
  if (settings.mail_cache_purge_delete_percentage > 100) {
    const path = 'mail_cache_purge_delete_percentage'
    yield { text: `${path} can't be over 100`, path }
  }
}

const HASH_BITS: ReadonlyMap<string, number> = new Map([
  ['md4', 128],
  ['md5', 128],
  ['sha1', 160],
  ['sha256', 256],
  ['sha384', 384],
  ['sha512', 512],
  ['sha3-256', 256],
  ['sha3-512', 512],
  ['size', 64],
])

function* checkAttachmentHash({ mail_attachment_hash }: Settings): Generator<Finding> {
  const path = 'mail_attachment_hash'
  const wrong = wrongHash(mail_attachment_hash)
  if (wrong !== undefined) yield { text: `Invalid ${path} setting: ${wrong}`, path }
  for (const character of ['/', '-']) {
    if (!mail_attachment_hash.includes(character)) continue
    yield { text: `${path} setting must not contain '${character}' characters`, path }
  }
}

/** `%{hash}` or `%{hash:bits}`, among other text. */
function wrongHash(format: string): string | undefined {
  for (const [, body, unclosed] of format.matchAll(/%(?:\{([^}]*)\}|(\{?))/g)) {
    if (body === undefined) return unclosed === '{' ? "Missing '}'" : "No '{' after '%'"
    const [hash = '', bits] = body.split(':', 2)
    const most = HASH_BITS.get(hash)
    if (most === undefined) return `Unknown hash method: ${hash}`
    if (bits !== undefined && (!/^[0-9]+$/.test(bits) || Number(bits) === 0 || Number(bits) > most)) {
      return `Invalid :bits number: ${bits}`
    }
  }
  return undefined
}

function* checkPop3({ pop3_uidl_format, pop3_delete_type, pop3_deleted_flag }: Settings): Generator<Finding> {
  const path = 'pop3_uidl_format'
  const used = [...pop3_uidl_format.matchAll(/%[-0-9.]*[A-Z]?(.)/gs)].map(([, variable]) => variable ?? '')
  const variables = used.filter((variable) => variable !== '%')
  const unknown = variables.find((variable) => !'vumfg'.includes(variable))
  if (unknown !== undefined) yield { text: `Unknown ${path} variable: %${unknown}`, path }
  // The doubled sign is in Dovecot's text.
  else if (variables.length === 0) yield { text: `${path} setting doesn't contain any %% variables.`, path }
  if (pop3_delete_type === 'flag' && pop3_deleted_flag === '') {
    yield { text: 'pop3_delete_type=flag, but pop3_deleted_flag not set', path: 'pop3_delete_type' }
  }
}

function* checkRemote(settings: Settings): Generator<Finding> {
  if (settings.dsync_alt_char === '') yield { text: 'dsync_alt_char must not be empty', path: 'dsync_alt_char' }
  if (settings.dsync_hashed_headers.trim() === '') {
    yield { text: 'dsync_hashed_headers must not be empty', path: 'dsync_hashed_headers' }
  }
  if (settings.imapc_max_idle_time === 0) {
    yield { text: 'imapc_max_idle_time must not be 0', path: 'imapc_max_idle_time' }
  }
}
