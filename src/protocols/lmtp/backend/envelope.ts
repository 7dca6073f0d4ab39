/** MAIL and RCPT towards a backend. RFC 5321 §4.1.1.2, §4.1.1.3; ORCPT from RFC 3461 §4.2, XRCPTFORWARD from Dovecot. */
import { joinForwardFields } from '../../forward-fields.ts'
import { fittingFields } from '../../smtp-identity.ts'
import { formatAddress, formatPath, type Address } from '../../smtp/wire/path.ts'
import { encodeXtext } from '../../smtp/wire/xtext.ts'
import type { Recipient } from '../recipient.ts'
import type { Destination } from '../services.ts'
import type { Extensions } from './greet.ts'

/** What the client said with MAIL. */
export interface Envelope {
  /** Undefined for the null path, and for one that is none. */
  readonly from: Address | undefined
  /** A path that nobody can read, as it came: it goes on to backends so. */
  readonly oddFrom?: string
  readonly eightBit: boolean
  readonly smtpUtf8: boolean
  /** RFC 1870: what the client expects. */
  readonly sizeBytes: number | undefined
}

/** Parameters that the backend does not know stay out. */
export function mailCommand({ from, oddFrom, eightBit, smtpUtf8, sizeBytes }: Envelope, offered: Extensions): string {
  const parameters = [
    eightBit && offered.has('8BITMIME') ? ' BODY=8BITMIME' : '',
    smtpUtf8 && offered.has('SMTPUTF8') ? ' SMTPUTF8' : '',
    sizeBytes !== undefined && offered.has('SIZE') ? ` SIZE=${sizeBytes}` : '',
  ]
  return `MAIL FROM:${oddFrom ?? formatPath(from)}${parameters.join('')}\r\n`
}

/** The command, and the forward fields that had to be left out because the receiver could not take them. */
export function rcptCommand(
  { address, orcpt, target }: Recipient,
  { protocol, notTrusted }: Destination,
  offered: Extensions,
): { readonly line: string; readonly dropped: readonly string[] } {
  const original = orcpt ?? (isSame(address, target.address) ? undefined : originalRecipient(address))
  const tellsOriginal = original !== undefined && knowsOriginal(protocol, offered)
  const { value, dropped } =
    notTrusted || !offered.has('XRCPTFORWARD') ? NOTHING : fittingFields(target.forward, joinAsXtext)
  const parameters = `${tellsOriginal ? ` ORCPT=${original}` : ''}${value === undefined ? '' : ` XRCPTFORWARD=${value}`}`
  return { line: `RCPT TO:${formatPath(target.address)}${parameters}\r\n`, dropped }
}

/**
 * Dovecot's LMTP knows ORCPT without saying so, and is known by its CHUNKING. Others refuse the recipient for good: Cyrus IMAP
 * answers `501 5.5.4 Unrecognized parameters`.
 */
function knowsOriginal(protocol: Destination['protocol'], offered: Extensions): boolean {
  return offered.has('DSN') || (protocol === 'lmtp' && offered.has('CHUNKING'))
}

const NOTHING = { value: undefined, dropped: [] as readonly string[] }

function joinAsXtext(fields: ReadonlyMap<string, string | null>): { value: string; bytes: number } {
  const value = encodeXtext(joinForwardFields(fields))
  return { value, bytes: value.length }
}

function originalRecipient(address: Address): string {
  return `rfc822;${encodeXtext(formatAddress(address))}`
}

function isSame(one: Address, other: Address): boolean {
  return one.localPart === other.localPart && one.domain === other.domain
}
