import { createHash, getHashes } from 'node:crypto'
import type { PassdbSettings, UserdbSettings } from '../config.ts'
import type { Settings } from '../settings/index.ts'
import type { Finding } from './finding.ts'

/** A database needs a driver, and cannot have its results decided in the old and the new way. */
export function checkDatabases(
  passdbs: readonly PassdbSettings[],
  userdbs: readonly UserdbSettings[],
): readonly Finding[] {
  const findings: Finding[] = []
  for (const { driver, pass, result_success, at } of passdbs) {
    if (driver === '') findings.push({ text: 'passdb is missing driver', at })
    if (pass && result_success !== 'return-ok') {
      findings.push({ text: 'Obsolete pass=yes setting mixed with non-default result_success', at })
    }
  }
  for (const { driver, at } of userdbs) {
    if (driver === '') findings.push({ text: 'userdb is missing driver', at })
  }
  return findings
}

/** Limits and formats of authentication settings. */
export function checkAuth(settings: Settings): readonly Finding[] {
  return [...checkLimits(settings), ...checkVerbosePasswords(settings), ...checkPolicy(settings)]
}

function* checkLimits({ auth_worker_max_count, auth_cache_size }: Settings): Generator<Finding> {
  if (auth_worker_max_count === 0) {
    yield { text: 'auth_worker_max_count must be above zero', path: 'auth_worker_max_count' }
  }
  if (auth_cache_size > 0 && auth_cache_size < 1024) {
    yield { text: `auth_cache_size value is too small (${auth_cache_size} bytes)`, path: 'auth_cache_size' }
  }
}

function* checkVerbosePasswords({ auth_verbose_passwords }: Settings): Generator<Finding> {
  const path = 'auth_verbose_passwords'
  const colon = auth_verbose_passwords.indexOf(':')
  const word = colon < 0 ? auth_verbose_passwords : auth_verbose_passwords.slice(0, colon)
  const length = colon < 0 ? '1' : auth_verbose_passwords.slice(colon + 1)
  if (!/^[0-9]+$/.test(length) || Number(length) === 0) {
    yield { text: `${path}: Invalid truncation number: '${length}'`, path }
  } else if (!['no', 'plain', 'yes', 'sha1'].includes(word)) yield { text: `${path}: Invalid value`, path }
}

function* checkPolicy(settings: Settings): Generator<Finding> {
  if (settings.auth_policy_server_url === '') return
  if (settings.auth_policy_hash_nonce.isEmpty) {
    yield {
      text: 'auth_policy_hash_nonce must be set when policy server is used',
      path: 'auth_policy_server_url',
    }
    return
  }
  const bits = digestBits(settings.auth_policy_hash_mech)
  if (bits === undefined) {
    yield { text: 'invalid auth_policy_hash_mech given', path: 'auth_policy_hash_mech' }
  } else if (settings.auth_policy_hash_truncate >= bits) {
    const sizes = `${settings.auth_policy_hash_truncate} >= ${bits}`
    yield { text: `policy_hash_truncate is not smaller than digest size (${sizes})`, path: 'auth_policy_hash_truncate' }
  }
}

function digestBits(mech: string): number | undefined {
  if (mech === 'md4') return 128
  const known = ['md5', 'sha1', 'sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-512']
  return known.includes(mech) && getHashes().includes(mech) ? createHash(mech).digest().length * 8 : undefined
}
