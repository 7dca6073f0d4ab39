import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type HeaderSummary, isWhole, KEPT_FIELDS, type MessageSummary } from '../message/message-summary.ts'
import { summarise } from '../message/summarise.ts'
import { summariseHeader } from '../message/summarise-header.ts'
import { packSummary, unpackSummary } from './summary-codec.ts'

/** A summary as plain values: of the parts only what the interface promises. */
function plain(summary: HeaderSummary | undefined): unknown {
  if (summary === undefined) return undefined
  const { headerOnly, envelope, dateSent, partialFields } = summary
  const kept = KEPT_FIELDS.map((name) => summary.field(name))
  const header = { headerOnly, envelope, dateSent, kept, partialFields }
  if (!isWhole(summary)) return header
  const part = ({ start, header, body, kind, children }: MessageSummary['root']): unknown => ({
    start,
    header: { ...header },
    body: { ...body },
    kind,
    children: children.map(part),
  })
  const { sizePhysical, sizeVirtual, lines, bodyStructure, body } = summary
  return { ...header, sizePhysical, sizeVirtual, lines, bodyStructure, body, root: part(summary.root) }
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
    const header = summariseHeader(Buffer.from(message, 'latin1'), true)
    assert.ok(header)
    assert.deepEqual(plain(unpackSummary(packSummary(header))), plain(header), message)
  }
})

/** The third message, as packed in November 2026. */
const OLD_SUMMARY =
  'AkdMAAAAnQFKOgkBEBEABgAAKE5JTCAiIiAoKE5JTCBOSUwgImpvZSIgImV4YW1wbGUub3JnIikpICgoTklMIE5JTCAiam9lIiAiZXhhbXBsZS' +
  '5vcmciKSkgKChOSUwgTklMICJqb2UiICJleGFtcGxlLm9yZyIpKSAoKE5JTCBOSUwgImphbmUiICJleGFtcGxlLm9yZyIpKSBOSUwgTklMIE5J' +
  'TCAiPGFAYj4iKSgidGV4dCIgInBsYWluIiAoImNoYXJzZXQiICJ1cy1hc2NpaSIpIE5JTCBOSUwgIjdiaXQiIDAgMCBOSUwgTklMIE5JTCBOSU' +
  'wpKCJ0ZXh0IiAicGxhaW4iICgiY2hhcnNldCIgInVzLWFzY2lpIikgTklMIE5JTCAiN2JpdCIgMCAwKQBHTAUAAAAAAGpvZUBleGFtcGxlLm9y' +
  'Z2phbmVAZXhhbXBsZS5vcmc8YUBiPg=='

test('what was packed before there were summaries of headers is read', () => {
  const summary = unpackSummary(Buffer.from(OLD_SUMMARY, 'base64'))
  assert.deepEqual(plain(summary), plain(summarise(Buffer.from(MESSAGES[2] ?? '', 'latin1'))))
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
