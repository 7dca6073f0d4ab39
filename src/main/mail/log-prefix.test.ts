import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testSettings } from '../../../test/support/protocol-session.ts'
import { logPrefix, type PrefixNeeds } from './log-prefix.ts'

test('lines about mail begin as mail_log_prefix says', () => {
  const needs: PrefixNeeds = {
    service: 'imap',
    user: 'joe@example.org',
    session: 'abc',
    fields: new Map([['home', '/home/joe']]),
    variables: new Map([
      ['rip', '192.0.2.7'],
      ['lip', '192.0.2.1'],
      ['session', 'abc'],
    ]),
  }
  const { pid } = process
  const rows: readonly (readonly [why: string, template: string, prefix: string, changes?: Partial<PrefixNeeds>])[] = [
    ['as it comes', '%s(%u)<%{pid}><%{session}>: ', `imap(joe@example.org)<${pid}><abc>`],
    [
      'without a session',
      '%s(%u)<%{pid}><%{session}>: ',
      `lmtp(joe@example.org)<${pid}>`,
      { service: 'lmtp', session: '' },
    ],
    ['addresses', '%s(%u)<%r,%l>: ', 'imap(joe@example.org)<192.0.2.7,192.0.2.1>'],
    ['parts of the name', '%Us %n at %d %h', 'IMAP joe at example.org /home/joe'],
    ['for doveadm', '%u: ', `doveadm(joe@example.org)<${pid}><abc>`, { service: 'doveadm' }],
    ['a variable that is none', '%{if;x: ', `imap(joe@example.org)<${pid}><abc>`],
  ]
  for (const [why, template, prefix, changes] of rows)
    assert.equal(logPrefix({ ...needs, ...changes }, testSettings({ mail_log_prefix: template })), prefix, why)
})
