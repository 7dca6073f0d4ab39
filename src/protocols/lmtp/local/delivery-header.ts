import { type Address, formatAddress, formatPath } from '../../smtp/wire/path.ts'
import { decodeXtext } from '../../smtp/wire/xtext.ts'
import type { Recipient } from '../recipient.ts'

/**
 * What a final delivery puts before the trace: the reverse path (RFC 5321 §4.4), and whom it was delivered to
 * (`lmtp_hdr_delivery_address`), though not when there are several: one file may serve all of them.
 */
export function deliveryHeader(
  recipient: Recipient,
  recipients: number,
  from: Address | undefined,
  which: DeliveryAddress,
): Buffer {
  const lines = [`Return-Path: ${formatPath(from)}`]
  const delivered = recipients === 1 ? deliveredTo(recipient, which) : undefined
  if (delivered !== undefined) lines.push(`Delivered-To: ${delivered}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1')
}

/** `lmtp_hdr_delivery_address`. */
export type DeliveryAddress = 'final' | 'none' | 'original'

function deliveredTo(recipient: Recipient, which: DeliveryAddress): string | undefined {
  switch (which) {
    case 'none':
      return undefined
    case 'original':
      return originalRecipient(recipient)
    case 'final':
      return formatAddress(recipient.address)
  }
}

/** What the sender wrote first, where the client tells. RFC 3461 §4.2: `rfc822;` and xtext. */
export function originalRecipient({ orcpt }: Recipient): string | undefined {
  const match = /^rfc822;(.*)$/i.exec(orcpt ?? '')
  return match?.[1] === undefined ? undefined : decodeXtext(match[1])
}
