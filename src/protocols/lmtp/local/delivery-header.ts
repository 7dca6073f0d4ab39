import { formatAddress } from '../../smtp/wire/path.ts'
import { decodeXtext } from '../../smtp/wire/xtext.ts'
import type { Recipient } from '../recipient.ts'
import type { LocalTransaction } from './local-sink.ts'

/**
 * What a final delivery puts before the trace: the reverse path (RFC 5321 §4.4), and whom it was delivered to
 * (`lmtp_hdr_delivery_address`), though not when there are several: one file may serve all of them.
 */
export function deliveryHeader(recipient: Recipient, recipients: number, { client, from }: LocalTransaction): Buffer {
  const lines = [`Return-Path: ${from}`]
  const delivered = recipients === 1 ? deliveredTo(recipient, client.settings.lmtp_hdr_delivery_address) : undefined
  if (delivered !== undefined) lines.push(`Delivered-To: ${delivered}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1')
}

function deliveredTo(recipient: Recipient, which: 'final' | 'none' | 'original'): string | undefined {
  switch (which) {
    case 'none':
      return undefined
    case 'original':
      return originalRecipient(recipient) ?? formatAddress(recipient.address)
    case 'final':
      return formatAddress(recipient.address)
  }
}

/** RFC 3461 §4.2: `rfc822;` and xtext. */
function originalRecipient({ orcpt }: Recipient): string | undefined {
  const match = /^rfc822;(.*)$/i.exec(orcpt ?? '')
  return match?.[1] === undefined ? undefined : decodeXtext(match[1])
}
