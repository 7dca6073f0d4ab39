import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isIgnored, limitFor, parseGrace, parseQuotaRule } from './quota-rule.ts'

const limits: readonly { why: string; rules: readonly string[]; mailbox?: string; is: string }[] = [
  { why: 'storage is in KB', rules: ['*:storage=20'], is: '20480/0' },
  { why: 'or in what is written', rules: ['*:storage=1G:messages=100'], is: `${1024 ** 3}/100` },
  { why: 'bytes are bytes', rules: ['*:bytes=1000'], is: '1000/0' },
  {
    why: 'more for a mailbox',
    rules: ['*:storage=100M', 'Trash:storage=+50M'],
    mailbox: 'Trash',
    is: `${150 * 1024 ** 2}/0`,
  },
  { why: 'in percent', rules: ['*:storage=100M', 'Trash:storage=+10%'], mailbox: 'Trash', is: `${110 * 1024 ** 2}/0` },
  { why: 'less', rules: ['*:storage=100M', 'Junk:storage=-40M'], mailbox: 'Junk', is: `${60 * 1024 ** 2}/0` },
  {
    why: 'more without a sign',
    rules: ['*:storage=9M', 'Junk:storage=1M'],
    mailbox: 'Junk',
    is: `${10 * 1024 ** 2}/0`,
  },
  { why: 'in percent without a sign', rules: ['*:bytes=1000', 'Junk:bytes=20%'], mailbox: 'Junk', is: '1200/0' },
  { why: 'less than nothing is no limit', rules: ['*:bytes=1000', 'Junk:bytes=-2000'], mailbox: 'Junk', is: '0/0' },
  { why: 'not for others', rules: ['*:storage=1k', 'Trash:storage=+50M'], mailbox: 'INBOX', is: '1024/0' },
  { why: 'names do not mind their case', rules: ['*:storage=1k', 'trash:ignore'], mailbox: 'Trash', is: 'ignored' },
  { why: 'patterns', rules: ['*:storage=1k', 'Archive/*:ignore'], mailbox: 'Archive/2024', is: 'ignored' },
  { why: 'those without a rule', rules: ['*:storage=1k', '?:storage=+1k'], mailbox: 'Work', is: '2048/0' },
  { why: 'nothing added to no limit', rules: ['Trash:storage=+50M'], mailbox: 'Trash', is: '0/0' },
]

for (const { why, rules, mailbox = 'INBOX', is } of limits) {
  test(`quota rules: ${why}`, () => {
    const parsed = rules.map(parseQuotaRule)
    const limit = limitFor(parsed, mailbox)
    assert.equal(limit === undefined ? 'ignored' : `${limit.sizeBytes}/${limit.messages}`, is)
    assert.equal(isIgnored(parsed, mailbox), is === 'ignored')
  })
}

for (const [text, complaint] of [
  ['storage=1G', "Invalid rule definition 'storage=1G': Missing limits"],
  [':storage=1G', "Invalid rule definition ':storage=1G': Missing mailbox name"],
  ['*:space=1G', "Invalid rule definition '*:space=1G': Unknown limit: space=1G"],
  ['*:storage=much', "Invalid rule definition '*:storage=much': Invalid limit: much"],
] as const) {
  test(`quota rules: ${text} is none`, () => {
    assert.throws(() => parseQuotaRule(text), { message: complaint })
  })
}

test('the grace is a part of the limit or a size', () => {
  assert.deepEqual(
    [parseGrace('10%', 1000), parseGrace('50 M', 0), parseGrace('nonsense', 5)],
    [100, 50 * 1024 ** 2, 0],
  )
})
