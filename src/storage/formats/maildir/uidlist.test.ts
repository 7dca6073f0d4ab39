import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { maildirPlace, TestMailbox, type MaildirPlace } from '../../../../test/maildir/place.ts'
import { SEEN } from '../../flags.ts'

const HEADER = '3 V1700000000 N4 G0123456789abcdef0123456789abcdef\n'
const LINES = [1, 2, 3].map((number) => `${number} :170000000${number}.M1P1.h,S=8,W=11\n`)
const [ONE = '', TWO = '', THREE = ''] = LINES

/** A Maildir with messages 1, 2 and 3 and this uidlist. */
function placeWith(t: TestContext, uidlist: string | undefined): MaildirPlace {
  const place = maildirPlace(t)
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(`${place.root}/${part}`, { recursive: true })
  for (const number of [1, 2, 3]) {
    writeFileSync(`${place.root}/cur/170000000${number}.M1P1.h,S=8,W=11:2,`, `S: ${number}\n\nx\n`)
  }
  if (uidlist !== undefined) writeFileSync(`${place.root}/dovecot-uidlist`, uidlist)
  return place
}

function uidlistOf({ root }: MaildirPlace): string {
  return readFileSync(`${root}/dovecot-uidlist`, 'latin1')
}

test('a damaged uidlist costs as much as in Dovecot, and no more', async (t) => {
  // Each row is what Dovecot 2.3.19 made of the file.
  const rows: { why: string; text: string | undefined; uids: string[]; kept: boolean; next?: number }[] = [
    { why: 'in order', text: HEADER + LINES.join(''), uids: ['1=1', '2=2', '3=3'], kept: true },
    {
      why: 'a line without UID ends what is believed',
      text: `${HEADER}${ONE}x :1700000002.M1P1.h\n${THREE}`,
      uids: ['1=1', '4=2', '5=3'],
      kept: true,
    },
    { why: 'UIDs that go down', text: HEADER + TWO + ONE + THREE, uids: ['2=2', '4=1', '5=3'], kept: true },
    {
      why: 'a UID twice',
      text: HEADER + ONE + ONE.replace('00001', '00002') + THREE,
      uids: ['1=1', '4=2', '5=3'],
      kept: true,
    },
    {
      why: 'a name twice: the later line counts',
      text: `${HEADER}${LINES.join('')}9 ${ONE.slice(2)}`,
      uids: ['2=2', '3=3', '9=1'],
      kept: true,
    },
    { why: 'a path', text: `${HEADER}${ONE}2 :a/b\n${THREE}`, uids: ['1=1', '4=2', '5=3'], kept: true },
    { why: 'no name', text: `${HEADER}${ONE}2 \n${THREE}`, uids: ['1=1', '4=2', '5=3'], kept: true },
    {
      why: 'a field without key',
      text: `${HEADER}${ONE}2 wfoo Pabc ${TWO.slice(2)}${THREE}`,
      uids: ['1=1', '2=2', '3=3'],
      kept: true,
    },
    { why: 'half a line', text: `${HEADER}${ONE}${TWO}3 :17000000`, uids: ['1=1', '2=2', '4=3'], kept: true },
    {
      why: 'the last UID of all',
      text: `${HEADER}${ONE}${TWO}4294967295 ${THREE.slice(2)}`,
      uids: ['1=1', '2=2', '4=3'],
      kept: true,
    },
    { why: 'no version', text: `x V1 N4\n${LINES.join('')}`, uids: ['1=1', '2=2', '3=3'], kept: false },
    { why: 'version 2', text: `2 1700000000 4\n${LINES.join('')}`, uids: ['1=1', '2=2', '3=3'], kept: false },
    {
      why: 'version 1, also Courier’s',
      text: `1 1700000000 4\n${LINES.join('').replaceAll(' :', ' ')}`,
      uids: ['1=1', '2=2', '3=3'],
      kept: true,
    },
    {
      why: 'UIDVALIDITY 0',
      text: HEADER.replace('1700000000', '0') + LINES.join(''),
      uids: ['1=1', '2=2', '3=3'],
      kept: false,
    },
    {
      why: 'a next UID that was passed',
      text: HEADER.replace('N4', 'N2') + LINES.join(''),
      uids: ['1=1', '2=2', '3=3'],
      kept: true,
    },
    {
      why: 'a next UID ahead',
      text: HEADER.replace('N4', 'N40') + LINES.join(''),
      uids: ['1=1', '2=2', '3=3'],
      kept: true,
      next: 40,
    },
    { why: 'no GUID yet', text: `3 V1700000000 N4\n${LINES.join('')}`, uids: ['1=1', '2=2', '3=3'], kept: true },
    {
      why: 'a GUID that is none',
      text: `3 V1700000000 N4 Gxyz\n${LINES.join('')}`,
      uids: ['1=1', '2=2', '3=3'],
      kept: false,
    },
    {
      why: 'lines of DOS',
      text: (HEADER + LINES.join('')).replaceAll('\n', '\r\n'),
      uids: ['1=1', '2=2', '3=3'],
      kept: true,
    },
    { why: 'empty', text: '', uids: ['1=1', '2=2', '3=3'], kept: false },
    { why: 'missing', text: undefined, uids: ['1=1', '2=2', '3=3'], kept: false },
  ]
  for (const { why, text, uids, kept, next } of rows) {
    const place = placeWith(t, text)
    const mailbox = await TestMailbox.open(place.store)
    const lines = await mailbox.lines()
    assert.deepEqual(
      lines.map((line) => line.replace(/^(\d+) {2}S: /, '$1=')),
      uids,
      why,
    )
    assert.equal(mailbox.format.uidValidity === 1_700_000_000, kept, `UIDVALIDITY: ${why}`)
    const highest = Math.max(...mailbox.records.keys())
    assert.equal(mailbox.format.uidNext, next ?? highest + 1, `UIDNEXT: ${why}`)
    const again = await TestMailbox.open(place.store)
    assert.deepEqual(await again.lines(), lines, `it stays so: ${why}`)
    assert.equal(again.format.uidValidity, mailbox.format.uidValidity, why)
  }
})

test('fields that we do not know are kept in the header and in lines', async (t) => {
  const header = '3 V1700000000 N4 Xfoo G0123456789abcdef0123456789abcdef Yb\n'
  const place = placeWith(t, `${header}${ONE}2 Pabc O7 Zzz ${TWO.slice(2)}${THREE}`)
  const mailbox = await TestMailbox.open(place.store)
  await mailbox.sync()
  assert.equal(mailbox.format.identity(mailbox.record(2)).pop3Uidl, 'abc')
  for (let count = 0; count < 3; count++) await mailbox.append('Subject: x\n\n')
  await mailbox.sync()
  await mailbox.format.expunge([3, 4, 5, 6].map((uid) => mailbox.record(uid)))
  appendFileSync(`${place.root}/cur/1700000009.M1P1.h:2,`, 'x')
  await mailbox.sync()
  assert.equal(
    uidlistOf(place),
    '3 V1700000000 N8 G0123456789abcdef0123456789abcdef Xfoo Yb\n' +
      `${ONE}2 Pabc O7 Zzz ${TWO.slice(2)}7 :1700000009.M1P1.h\n`,
    'written anew, as a quarter of the lines was of messages that are gone',
  )
})

test('new messages are appended to the uidlist, which stays the same file', async (t) => {
  const place = placeWith(t, HEADER + LINES.join(''))
  const mailbox = await TestMailbox.open(place.store)
  await mailbox.sync()
  const { ino } = statSync(`${place.root}/dovecot-uidlist`)
  await mailbox.append('Subject: x\n\n')
  assert.equal(statSync(`${place.root}/dovecot-uidlist`).ino, ino)
  assert.match(uidlistOf(place), /^3 V1700000000 N4 [^]*\n4 :\d+\.M\d+P\d+\.host\.example\.org,S=12,W=14\n$/)
})

test('what others append is read, and a line that is half there waits for the rest', async (t) => {
  const place = placeWith(t, HEADER + LINES.join(''))
  const mailbox = await TestMailbox.open(place.store)
  await mailbox.sync()
  writeFileSync(`${place.root}/cur/1700000004.M1P1.h:2,S`, 'S: 4\n\n')
  appendFileSync(`${place.root}/dovecot-uidlist`, '17 :1700000004.M1P1.h\n18 :17000')
  assert.deepEqual((await mailbox.lines()).at(-1), '17 \\Seen S: 4')
  assert.equal(await mailbox.append('Subject: y\n\n'), 18)
  assert.match(uidlistOf(place), /\n17 :1700000004\.M1P1\.h\n18 :[^\n]+,S=12,W=14\n$/)
})

test('an old copy of the uidlist, put back, gives no UID a second time', async (t) => {
  const place = placeWith(t, HEADER + LINES.join(''))
  const mailbox = await TestMailbox.open(place.store)
  const other = await TestMailbox.open(place.store)
  await mailbox.sync()
  await other.sync()
  assert.equal(await other.append('Subject: new\n\n'), 4)
  await mailbox.sync()
  writeFileSync(`${place.root}/dovecot-uidlist.old`, HEADER + LINES.join(''))
  renameSync(`${place.root}/dovecot-uidlist.old`, `${place.root}/dovecot-uidlist`)
  assert.ok((await mailbox.append('Subject: newer\n\n')) > 4)
  assert.match(place.complaints.join('\n'), /next_uid was lowered \(5 -> 4\)/)
})

test('an append to a mailbox that was not read gives the same UIDs', async (t) => {
  const place = placeWith(t, HEADER + LINES.join(''))
  const [first, second] = [await TestMailbox.open(place.store), await TestMailbox.open(place.store)]
  assert.equal(first.format.uidNext, 4)
  assert.equal(await first.append('Subject: a\n\n', SEEN), 4)
  assert.equal(await second.append('Subject: b\n\n'), 5)
  assert.equal(await first.append('Subject: c\n\n'), 6)
  assert.deepEqual(
    (await first.lines()).map((line) => line.trim()),
    ['1  S: 1', '2  S: 2', '3  S: 3', '4 \\Seen Subject: a', '5  Subject: b', '6  Subject: c'],
  )
})

test('a message that was gone and comes back is another one', async (t) => {
  const place = placeWith(t, HEADER + LINES.join(''))
  const mailbox = await TestMailbox.open(place.store)
  for (let count = 0; count < 4; count++) await mailbox.append('Subject: x\n\n')
  await mailbox.sync()
  const path = `${place.root}/cur/1700000002.M1P1.h,S=8,W=11:2,`
  renameSync(path, `${place.dir}/away`)
  assert.deepEqual(
    (await mailbox.sync()).expunged.map(({ uid }) => uid),
    [2],
  )
  renameSync(`${place.dir}/away`, path)
  assert.deepEqual(
    (await mailbox.sync()).added.map(({ uid }) => uid),
    [8],
  )
  assert.match(place.complaints.join('\n'), /Expunged message reappeared, giving a new UID \(old uid=2/)
})

test('a uidlist that is damaged or removed while a mailbox is open is written again from memory', async (t) => {
  for (const damage of ['garbage\n', '', `${HEADER}${ONE}`, undefined]) {
    const place = placeWith(t, HEADER + LINES.join(''))
    const mailbox = await TestMailbox.open(place.store)
    const before = await mailbox.lines()
    if (damage === undefined) unlinkSync(`${place.root}/dovecot-uidlist`)
    else writeFileSync(`${place.root}/dovecot-uidlist`, damage)
    assert.deepEqual(await mailbox.lines(), before)
    assert.equal(await mailbox.append('Subject: new\n\n'), 4)
    const other = await TestMailbox.open(place.store)
    assert.deepEqual(await other.lines(), [...before, '4  Subject: new'])
    assert.equal(other.format.uidValidity, 1_700_000_000)
  }
})

test('another mailbox under the same name has its own UIDs', async (t) => {
  const place = placeWith(t, HEADER + LINES.join(''))
  const first = await TestMailbox.open(place.store, 'box')
  for (let count = 0; count < 5; count++) await first.append('Subject: old\n\n')
  await first.sync()
  const other = await TestMailbox.open(place.store, 'other')
  await other.append('Subject: of the other\n\n')
  await other.sync()
  await place.store.delete('box')
  await place.store.rename('other', 'box')
  assert.deepEqual(await first.lines(), ['1  Subject: of the other'])
  assert.equal(first.format.uidValidity, other.format.uidValidity)
  assert.deepEqual(place.complaints, [])
})
