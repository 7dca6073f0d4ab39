import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MailTaskError } from '../../../admin/commands/mail/mail-admin.ts'
import { branches, compileQuery, mayMatch, namedMailboxes } from './compile-query.ts'
import { refuseAccident } from './message-tasks.ts'
import { compareMoment, parseMoment } from './moment.ts'
import { parseQuery } from './query.ts'

const NOW_MS = Date.UTC(2026, 10, 22, 6)
const parse = (text: string) => parseQuery(text.split(' '), NOW_MS)

const accidents: readonly { query: string; refused: 'no mailbox' | 'nothing else' | undefined; why: string }[] = [
  { why: 'everything everywhere', query: 'all', refused: 'no mailbox' },
  { why: 'a whole mailbox', query: 'mailbox Trash', refused: 'nothing else' },
  { why: 'a mailbox and something', query: 'mailbox Trash all', refused: undefined },
  { why: 'one branch without a mailbox', query: '( mailbox Trash all ) or seen', refused: 'no mailbox' },
  { why: 'one branch without anything else', query: '( mailbox Trash all ) or mailbox Junk', refused: 'nothing else' },
  { why: 'mailboxes in parentheses', query: '( mailbox Trash or mailbox Junk ) seen', refused: undefined },
  { why: 'a mailbox that is excluded', query: 'not mailbox Trash', refused: 'no mailbox' },
]

for (const { why, query, refused } of accidents) {
  test(`what expunge refuses: ${why}`, () => {
    const text = refuseAccident(branches(parse(query)))
    const kind = text === undefined ? undefined : text.includes('must contain MAILBOX') ? 'no mailbox' : 'nothing else'
    assert.equal(kind, refused)
  })
}

const mailboxes: readonly { query: string; open: readonly string[]; named: readonly string[] }[] = [
  { query: 'seen', open: ['INBOX', 'Work', 'Work/A'], named: [] },
  { query: 'mailbox Work seen', open: ['Work'], named: ['Work'] },
  { query: 'mailbox Work*', open: ['Work', 'Work/A'], named: [] },
  { query: 'mailbox Work%', open: ['Work'], named: [] },
  { query: 'mailbox Work or mailbox inbox', open: ['INBOX', 'Work'], named: ['Work', 'inbox'] },
  { query: 'mailbox Work mailbox INBOX', open: [], named: ['Work', 'INBOX'] },
  { query: 'not mailbox Work', open: ['INBOX', 'Work/A'], named: [] },
]

for (const { query, open, named } of mailboxes) {
  test(`mailboxes that "${query}" opens`, () => {
    const parsed = parse(query)
    assert.deepEqual(
      ['INBOX', 'Work', 'Work/A'].filter((name) => mayMatch(parsed, name, '/')),
      open,
    )
    assert.deepEqual(namedMailboxes(parsed), named)
    for (const name of ['INBOX', 'Work', 'Work/A']) {
      const compiled = compileQuery(parsed, { name, separator: '/', guid: 'abc' }, new Map())
      assert.equal(compiled !== 'nothing', open.includes(name), name)
    }
  })
}

test('times are days, seconds or ages', () => {
  const day = Date.UTC(2026, 10, 20) / 86_400_000
  assert.deepEqual(parseMoment('2026-11-20', NOW_MS), { kind: 'day', day })
  assert.deepEqual(parseMoment('20-nov-2026', NOW_MS), { kind: 'day', day })
  assert.deepEqual(parseMoment('1795300000', NOW_MS), { kind: 'second', second: 1_795_300_000 })
  assert.deepEqual(parseMoment('2weeks', NOW_MS), { kind: 'second', second: NOW_MS / 1000 - 14 * 86_400 })
  assert.deepEqual(parseMoment('1 h', NOW_MS), { kind: 'second', second: NOW_MS / 1000 - 3600 })
  for (const text of ['', 'xyz', '2026-13-01', '2026-02-30', '1-foo-2026', '1lightyear', '99999999999999'])
    assert.equal(parseMoment(text, NOW_MS), undefined, text)
})

test("a day is one on the message's calendar", () => {
  const moment = parseMoment('2026-11-20', NOW_MS)
  assert.ok(moment)
  const late = Date.UTC(2026, 10, 19, 23, 30) / 1000
  assert.deepEqual(
    (['before', 'on', 'since'] as const).map((kind) => compareMoment(kind, late, 60, moment)),
    [false, true, true],
  )
  assert.equal(compareMoment('before', late, 0, moment), true)
})

test('no words make the reader fail otherwise than with a text for the administrator', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '(',
      ')',
      'or',
      'not',
      'mailbox',
      'all',
      'uid',
      '1:*',
      'before',
      '1d',
      'larger',
      '1M',
      'header',
      'keyword',
      '',
    ),
    fc.string({ maxLength: 6 }),
  )
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), (words) => {
      try {
        compileQuery(parseQuery(words, NOW_MS), { name: 'INBOX', separator: '/', guid: '' }, new Map())
      } catch (error) {
        assert.ok(error instanceof MailTaskError, String(error))
      }
    }),
  )
  assert.throws(
    () =>
      parseQuery(
        Array.from({ length: 50_000 }, () => '('),
        NOW_MS,
      ),
    MailTaskError,
  )
  assert.throws(
    () =>
      parseQuery(
        Array.from({ length: 50_000 }, () => 'not'),
        NOW_MS,
      ),
    MailTaskError,
  )
})
