import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { TestSession } from '../../../../test/imap-server/session.ts'
import { workedMs } from '../../../../test/support/worked.ts'

const MESSAGE = 'From: a@b\r\nSubject: x\r\n\r\nbody\r\n'

async function selected(t: test.TestContext, messages = 3): Promise<TestSession> {
  const session = new TestSession(t)
  for (let i = 0; i < messages; i++) await session.append(MESSAGE)
  await session.say('SELECT INBOX')
  return session
}

const NASTY = [
  { text: 'UID FETCH 1:4294967295,* UID', says: /OK Fetch completed/, why: 'four thousand million UIDs' },
  {
    text: `UID FETCH ${Array.from({ length: 9000 }, (_, i) => i * 2 + 1).join(',')} UID`,
    says: /OK Fetch/,
    why: 'a long set',
  },
  { text: `SEARCH ${'('.repeat(9999)}ALL${')'.repeat(9999)}`, says: /OK Search/, why: 'parentheses' },
  {
    text: `SEARCH ${'('.repeat(10_001)}ALL${')'.repeat(10_001)}`,
    says: /BAD .*Too many '\('/,
    why: 'too many of them',
  },
  { text: `SEARCH ${'NOT '.repeat(15_000)}ALL`, says: /OK Search/, why: 'NOTs' },
  { text: `SEARCH ${'OR ALL '.repeat(5000)}ALL`, says: /BAD .*nests too deeply/, why: 'ORs' },
  { text: `FETCH 1 (${'UID '.repeat(10_000)}FLAGS)`, says: /OK Fetch/, why: 'the same item again and again' },
  { text: `FETCH 1 BODY[${'1.'.repeat(20_000)}1]`, says: /BAD .*Invalid BODY/, why: 'a part that is too deep' },
  { text: `FETCH 1 BODY[HEADER.FIELDS (${'x '.repeat(20_000)})]`, says: /OK Fetch/, why: 'many fields' },
  { text: `LIST "" ${'%*'.repeat(20_000)}`, says: /OK List/, why: 'a pattern that could be slow' },
  { text: `LIST "" ${'*a'.repeat(20_000)}`, says: /OK List/, why: 'another' },
  {
    text: `STORE 1 +FLAGS (${Array.from({ length: 3000 }, (_, i) => `k${i}`).join(' ')})`,
    says: /NO |OK Store/,
    why: 'many keywords',
  },
  { text: `ID (${'"a" "b" '.repeat(4000)})`, says: /OK ID/, why: 'many parameters' },
  { text: `SELECT ${'x'.repeat(70_000)}`, says: /BAD .*Too long argument/, why: 'a long name' },
  { text: 'SEARCH SUBJECT "\xff\xfe\x01"', says: /OK Search/, why: 'bytes that are no text' },
]

for (const { text, says, why } of NASTY) {
  test(`the session survives ${why}`, async (t) => {
    const session = await selected(t)
    const began = workedMs()
    assert.match((await session.say(text)).at(-1) ?? '', says)
    assert.ok(workedMs() - began < 2000, 'and it took no time')
    assert.equal((await session.say('NOOP')).at(-1), 'a6 OK NOOP completed')
  })
}

test('NULs, control characters and 8-bit bytes everywhere get an answer', async (t) => {
  const session = await selected(t)
  const byte = fc.oneof(fc.constantFrom(...Array.from('\0\x01\t\x7f\x80\xff(){}[]"\\%* aF1:,')), fc.constant(' '))
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('FETCH', 'STORE', 'SEARCH', 'SELECT', 'LIST', 'STATUS', 'UID FETCH', 'CREATE', 'ENABLE'),
      fc.string({ unit: byte, maxLength: 30 }).filter((text) => !text.includes('{')),
      async (command, rest) => {
        session.peer.send('z NOOP\r\n')
        await session.until('z ')
        const reply = (await session.say(`${command} ${rest}`)).at(-1) ?? ''
        assert.match(reply, /^a\d+ (OK|NO|BAD) /)
      },
    ),
    { numRuns: 200 },
  )
})

test('bytes one by one are commands as well', async (t) => {
  const session = await selected(t)
  await session.peer.sendByteByByte('b FETCH 1 (UID)\r\nc NOOP\r\n')
  assert.deepEqual(await session.until('c '), ['* 1 FETCH (UID 1)', 'b OK Fetch completed', 'c OK NOOP completed'])
})

test('half a command is nothing', async (t) => {
  const session = await selected(t)
  session.peer.send('b STORE 1 +FLAGS (\\Deleted)')
  session.peer.end()
  await session.ended
  assert.ok(session.log.at(-1)?.includes('deleted=0'))
})
