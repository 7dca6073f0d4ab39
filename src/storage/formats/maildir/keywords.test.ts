import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import fc from 'fast-check'
import { maildirPlace, TestMailbox } from '../../../../test/maildir/place.ts'
import { SEEN } from '../../flags.ts'
import { realSyncing } from './disk.ts'
import { extraKeywords, hasExtraKeywords, withExtraKeywords } from './extra-keywords.ts'
import { KeywordFile } from './keywords.ts'

test('keywords get letters in the order in which they come, whatever their case', async (t) => {
  const { store, root } = maildirPlace(t)
  const mailbox = await TestMailbox.open(store)
  await mailbox.append('Subject: a\n\n', SEEN, ['$Forwarded', 'work'])
  await mailbox.append('Subject: b\n\n', 0, ['WORK', 'NonJunk'])
  assert.equal(readFileSync(`${root}/dovecot-keywords`, 'latin1'), '0 $Forwarded\n1 work\n2 NonJunk\n')
  assert.deepEqual(
    (await mailbox.lines()).map((line) => line.trim()),
    ['1 \\Seen $Forwarded work Subject: a', '2 work NonJunk Subject: b'],
  )
  assert.equal(existsSync(`${root}/dovecot-keywords.lock`), false)
})

test('a letter whose keyword is lost has the name that Dovecot gives it', async (t) => {
  const { store, root } = maildirPlace(t)
  const mailbox = await TestMailbox.open(store)
  await mailbox.sync()
  writeFileSync(`${root}/cur/1.M1P1.h:2,Sbx`, 'Subject: a\n\n')
  writeFileSync(`${root}/dovecot-keywords`, 'nonsense\n1 work\n99 far\n')
  assert.deepEqual(await mailbox.lines(), ['1 \\Seen work unknown-23 Subject: a'])
  assert.equal(readFileSync(`${root}/dovecot-keywords`, 'latin1'), '1 work\n23 unknown-23\n')
})

test('what others write into the file is read, and flags are told anew', async (t) => {
  const { store, root } = maildirPlace(t)
  const mailbox = await TestMailbox.open(store)
  await mailbox.append('Subject: a\n\n', 0, ['one'])
  await mailbox.sync()
  writeFileSync(`${root}/dovecot-keywords`, '0 renamed\n')
  utimesSync(`${root}/dovecot-keywords`, 1_800_000_000, 1_800_000_000)
  writeFileSync(`${root}/cur/2.M1P1.h:2,a`, 'Subject: b\n\n')
  const changes = await mailbox.sync()
  assert.deepEqual(
    changes.flags.map(({ record, flags }) => [record.uid, flags.text]),
    [[1, 'renamed']],
  )
  assert.equal(mailbox.record(2).flags, mailbox.record(1).flags)
})

test('the time of the file grows by whole seconds with each change: Dovecot looks at nothing else', async (t) => {
  const { dir, context } = maildirPlace(t)
  mkdirSync(`${dir}/box`)
  const keywords = new KeywordFile(`${dir}/box`, context, realSyncing)
  const seconds: number[] = []
  for (const keyword of ['a', 'b', 'c']) {
    keywords.refresh()
    keywords.numberFor(keyword)
    await keywords.commit()
    seconds.push(Math.floor(statSync(`${dir}/box/dovecot-keywords`).mtimeMs / 1000))
  }
  const [first = 0, second = 0, third = 0] = seconds
  assert.ok(first < second && second < third, seconds.join(' '))
})

test('more than 26 keywords are kept, in lines of the uidlist, and other sessions see them', async (t) => {
  const { store, root } = maildirPlace(t)
  const [mailbox, other] = [await TestMailbox.open(store), await TestMailbox.open(store)]
  const keywords = Array.from({ length: 30 }, (_, index) => `kw${index}`)
  await mailbox.append('Subject: a\n\n', 0, keywords)
  await mailbox.append('Subject: b\n\n')
  await other.sync()
  assert.deepEqual(other.record(1).flags.keywords, keywords)
  assert.deepEqual(other.format.keywords, keywords)
  await mailbox.sync()
  await mailbox.setFlags(1, SEEN, ['kw3', 'kw28'])
  await mailbox.setFlags(2, 0, ['kw29', 'more'])
  await other.sync()
  assert.equal(other.record(1).flags.text, '\\Seen kw3 kw28')
  assert.equal(other.record(2).flags.text, 'kw29 more')
  assert.match(readFileSync(`${root}/dovecot-uidlist`, 'latin1'), /\n1 Kkw28 :.*\n2 Kkw29%more :/)
  await other.setFlags(2, 0, [])
  await mailbox.sync()
  assert.equal(mailbox.record(2).flags.text, '')
})

test('keywords without letters survive in the fields of a line', () => {
  const keyword = fc.string({ unit: fc.constantFrom(...'aK$:!,=|'.split('')), minLength: 1 })
  fc.assert(
    fc.property(fc.constantFrom('', 'Pabc', 'G1.M2 Zzz'), fc.uniqueArray(keyword), (others, keywords) => {
      const fields = withExtraKeywords(others, keywords)
      assert.deepEqual(extraKeywords(fields), keywords)
      assert.equal(hasExtraKeywords(fields), keywords.length > 0)
      assert.equal(withExtraKeywords(fields, []), others)
    }),
  )
})
