import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { summarise } from '../message/summarise.ts'
import type { MessageSummary } from '../message/message-summary.ts'
import { packSummary, unpackSummary } from './summary-codec.ts'

/** A summary as plain values: of the parts only what the interface promises. */
function plain(summary: MessageSummary | undefined): unknown {
  if (summary === undefined) return undefined
  const part = ({ start, header, body, kind, children }: MessageSummary['root']): unknown => ({
    start,
    header: { ...header },
    body: { ...body },
    kind,
    children: children.map(part),
  })
  const { sizePhysical, sizeVirtual, lines, dateSent, fields, envelope, bodyStructure, body } = summary
  const texts = [envelope, bodyStructure, body].map((bytes) => bytes.toString('latin1'))
  const kept = Object.fromEntries([...fields].map(([name, value]) => [name, value.toString('latin1')]))
  return { sizePhysical, sizeVirtual, lines, dateSent, kept, texts, root: part(summary.root) }
}

const MESSAGES = [
  '',
  'Subject: a\r\nDate: Thu, 1 Jan 1903 10:00:00 +0130\r\n\r\nbody\r\n',
  'Subject:\nFrom: joe@example.org\nTo: jane@example.org\nMessage-ID: <a@b>\n\n',
  'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x\nContent-Type: message/rfc822\n\nSubject: in\n\nb\n--x--\n',
  'Date: Sun, 22 Nov 2026 05:00:00 -9999\n\n',
]

test('a summary is the same after packing', () => {
  for (const message of MESSAGES) {
    const summary = summarise(Buffer.from(message, 'latin1'))
    assert.deepEqual(plain(unpackSummary(packSummary(summary))), plain(summary), message)
  }
})

test('bytes that are no summary are refused, and never more than that', () => {
  const whole = packSummary(summarise(Buffer.from(MESSAGES[3] ?? '', 'latin1')))
  assert.equal(unpackSummary(Buffer.alloc(0)), undefined)
  assert.equal(unpackSummary(whole.subarray(0, -1)), undefined)
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const broken = Buffer.from(whole)
      broken[at] = byte
      plain(unpackSummary(broken))
    }),
  )
})
