import type { Config, Filter } from '../../config/config.ts'
import { about } from './about.ts'
import type { Finding } from './finding.ts'

/** Passwords in clear, on the wire and in the log, and how fast they can be guessed. */
export function checkPasswords(config: Config, filter: Filter): readonly Finding[] {
  return [...onTheWire(config, filter), ...inTheLog(config, filter), ...guessing(config, filter)]
}

function* onTheWire(config: Config, filter: Filter): Generator<Finding> {
  const { ssl, disable_plaintext_auth } = config.settings(filter)
  if (ssl === 'no' && !disable_plaintext_auth) {
    const text = 'ssl = no with disable_plaintext_auth = no: every password crosses the network in clear'
    yield about(config, filter, 'disable_plaintext_auth', 'warning', text)
  } else if (ssl === 'no') {
    const text =
      'ssl = no with disable_plaintext_auth = yes: only clients on this host or in login_trusted_networks can log in'
    yield about(config, filter, 'ssl', 'warning', text)
  } else if (ssl === 'yes' && !disable_plaintext_auth) {
    const text = 'disable_plaintext_auth = no: clients may send passwords in clear; set ssl = required to refuse that'
    yield about(config, filter, 'disable_plaintext_auth', 'warning', text)
  }
}

function* inTheLog(config: Config, filter: Filter): Generator<Finding> {
  const { auth_debug_passwords, auth_verbose_passwords } = config.settings(filter)
  if (auth_debug_passwords) {
    const text = 'auth_debug_passwords = yes: the log holds the passwords of all users'
    yield about(config, filter, 'auth_debug_passwords', 'warning', text)
  }
  if (/^(plain|yes)\b/.test(auth_verbose_passwords)) {
    const text = `auth_verbose_passwords = ${auth_verbose_passwords}: the log holds mistyped passwords; sha1:6 is enough to tell them apart`
    yield about(config, filter, 'auth_verbose_passwords', 'warning', text)
  }
}

function* guessing(config: Config, filter: Filter): Generator<Finding> {
  const { auth_failure_delay, auth_mechanisms, auth_username_chars } = config.settings(filter)
  if (auth_failure_delay === 0) {
    const text = 'auth_failure_delay = 0: passwords can be guessed as fast as the databases answer'
    yield about(config, filter, 'auth_failure_delay', 'warning', text)
  }
  if (auth_mechanisms.some((mechanism) => mechanism.toLowerCase() === 'anonymous')) {
    const text = 'auth_mechanisms lists anonymous: anybody can log in without a password'
    yield about(config, filter, 'auth_mechanisms', 'warning', text)
  }
  if (auth_username_chars === '') {
    const text =
      'auth_username_chars is empty: user names may hold any character, also where they become part of a path or a query'
    yield about(config, filter, 'auth_username_chars', 'info', text)
  }
}
