import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDeliverOptions } from './deliver-options.ts'
import { readFromLine } from './mbox-from-line.ts'

const NOTHING = {
  config: undefined,
  overrides: [],
  user: undefined,
  mailbox: undefined,
  path: undefined,
  from: undefined,
  original: undefined,
  tellsSender: false,
}

const rows: readonly { why: string; argv: readonly string[]; is: object }[] = [
  { why: 'nothing', argv: [], is: NOTHING },
  {
    why: 'as Postfix calls it',
    argv: ['-f', '<bob@example.org>', '-d', 'joe'],
    is: { ...NOTHING, user: 'joe', from: 'bob@example.org' },
  },
  {
    why: 'the original recipient counts',
    argv: ['-a', '<a@example.org>', '-r', 'b@example.org'],
    is: { ...NOTHING, original: 'a@example.org' },
  },
  {
    why: 'glued letters',
    argv: ['-ekdjoe', '-mWork'],
    is: { ...NOTHING, user: 'joe', mailbox: 'Work', tellsSender: true },
  },
  { why: 'empty values are none, but for the sender', argv: ['-m', '', '-f', '<>'], is: { ...NOTHING, from: '' } },
  {
    why: 'settings',
    argv: ['-o', 'a=b', '-oc=d', '-c', '/x'],
    is: { ...NOTHING, config: '/x', overrides: ['a=b', 'c=d'] },
  },
  { why: 'a word too many', argv: ['-d', 'joe', 'extra'], is: { problem: 'Unknown argument: extra' } },
  { why: 'a letter that is none', argv: ['-x'], is: { problem: "invalid option -- 'x'" } },
]

for (const { why, argv, is } of rows) {
  test(`the command line of a pipe: ${why}`, () => assert.deepEqual(readDeliverOptions(argv), is))
}

async function* inPieces(text: string, size: number): AsyncIterable<Buffer> {
  for (let at = 0; at < text.length; at += size) yield await Promise.resolve(Buffer.from(text.slice(at, at + size)))
}

const messages: readonly { why: string; text: string; is: string; sender?: string }[] = [
  { why: 'goes', text: 'From a@b Sat\nSubject: x\n\nFrom c\n', is: 'Subject: x\n\nFrom c\n', sender: 'a@b' },
  { why: 'is none', text: 'From: a@b\n\nx\n', is: 'From: a@b\n\nx\n' },
  { why: 'does not end', text: 'From a@b', is: 'From a@b' },
  { why: 'is too long', text: `From ${'x'.repeat(2000)}`, is: `From ${'x'.repeat(2000)}` },
  { why: 'is shorter than its mark', text: 'Fro', is: 'Fro' },
  { why: 'in nothing', text: '', is: '' },
]

for (const { why, text, is, sender } of messages) {
  test(`the From line of an mbox ${why}`, async () => {
    for (const size of [1, 7, 4096]) {
      const chunks: Buffer[] = []
      const read = await readFromLine(inPieces(text, size))
      for await (const chunk of read.bytes) chunks.push(chunk)
      assert.equal(read.sender, sender)
      assert.equal(Buffer.concat(chunks).toString(), is)
    }
  })
}
