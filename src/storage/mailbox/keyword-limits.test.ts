import assert from 'node:assert/strict'
import test from 'node:test'
import { StoreRefusal } from '../refusal.ts'
import { checkKeywords } from './keyword-limits.ts'

const limits = { bytes: 10, count: 3 }

test('keywords that cannot be are refused with the words of Dovecot', () => {
  const rows: readonly (readonly [keywords: string[], text: string])[] = [
    [['x'.repeat(11)], 'Keyword length too long'],
    [['é'.repeat(6)], 'Keyword length too long'],
    [[''], 'Empty keywords not allowed'],
    ...['a b', 'a]', 'a(', 'a)', 'a{', 'a%', 'a*', 'a"', 'a\\', 'a\r\n', 'a\0', 'é'].map(
      (keyword): readonly [string[], string] => [[keyword], 'Invalid characters in keyword'],
    ),
    [['a', 'b', 'c', 'd'], 'Too many keywords'],
  ]
  for (const [keywords, text] of rows) {
    assert.throws(
      () => checkKeywords(keywords, [], limits),
      new StoreRefusal(text === 'Too many keywords' ? 'limit' : 'cannot', text),
      JSON.stringify(keywords),
    )
  }
})

test('what the mailbox has already may be set again, in any case', () => {
  const known = ['first', 'Second', 'third', 'a keyword that is too long and odd']
  checkKeywords([...known, 'SECOND'], known, limits)
  assert.throws(() => checkKeywords(['fourth'], known, limits), StoreRefusal)
  checkKeywords(['$Forwarded', '$MDNSent', "it's"], [], limits)
})
