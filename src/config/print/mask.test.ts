import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskValue } from './mask.ts'

const PART = '#hidden_use-P_to_show#'
const rows: readonly [key: string, value: string, expected: string, why: string][] = [
  ['doveadm_password', 'x', '# hidden, use -P to show it', 'a telling name'],
  ['ssl_key', '</x', '# hidden, use -P to show it', 'even if it only names a file'],
  ['ssl_dh', 'x', '# hidden, use -P to show it', 'as Dovecot does'],
  ['doveadm_password', '', '', 'nothing to hide'],
  ['args', 'password=x nopassword=y', `password=${PART} nopassword=y`, 'words inside, but not those that end so'],
  ['args', 'a,pass=b "key=c" secret_id=', `a,pass=${PART} "key=${PART} secret_id=${PART}`, 'up to the next blank'],
  ['args', 'pass = x', `pass =${PART} x`, 'with a blank before the ='],
  ['args', 'key foo=bar', 'key foo=bar', 'but not with a word between'],
  ['url', 'http://u:p@h ftp://u@h ldap://u:p@h', `http://${PART}@h ftp://${PART}@h ldap://u:p@h`, 'in some URLs'],
  ['postern_cluster', 'redis://:p@h:1/2', `redis://${PART}@h:1/2`, 'ours, too'],
  ['url', 'http://h/a@b', 'http://h/a@b', 'the part before the host only'],
]

for (const [key, value, expected, why] of rows) {
  test(`${key} = ${value}: ${why}`, () => assert.equal(maskValue(key, value), expected))
}
