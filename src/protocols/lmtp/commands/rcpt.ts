import { formatReply } from '../../smtp/wire/reply.ts'
import { parseParameters } from '../../smtp/wire/parameters.ts'
import { type Address, formatPath, parsePath } from '../../smtp/wire/path.ts'
import { decodeXtext } from '../../smtp/wire/xtext.ts'
import { readForwardFields } from '../forward.ts'
import { LMTP_LIMITS } from '../limits.ts'
import { Recipient } from '../recipient.ts'
import type { LmtpSession } from '../session.ts'
import type { Transaction } from '../transaction.ts'
import type { Command } from './command.ts'
import { pathOptions } from './mail.ts'

/**
 * RCPT. RFC 5321 §4.1.1.3; ORCPT from RFC 3461 §4.2, XRCPTFORWARD from Dovecot. Recipients that come pipelined are looked up and
 * offered to their backends side by side; answers come in order.
 */
export const rcpt: Command = {
  sideBySide: true,
  async run(session, args) {
    const { transaction, replies } = session
    if (transaction === undefined) return session.say(503, '5.5.0', 'MAIL needed first')
    if (transaction.message !== undefined) return session.say(503, '5.5.0', 'RCPT not permitted within a message')
    const read = readRecipient(session, transaction, args)
    if (!(read instanceof Recipient)) return session.say(read.code, read.enhanced, read.text)
    await replies.atMost(LMTP_LIMITS.pipelinedRecipients - 1)
    replies.push(answer(session, transaction, read))
    return undefined
  },
}

async function answer(session: LmtpSession, transaction: Transaction, recipient: Recipient): Promise<string> {
  try {
    return await transaction.addRecipient(recipient)
  } catch (error) {
    session.log.fault(error)
    return formatReply(451, '4.3.0', [`${recipient.path} Temporary internal error`])
  }
}

interface Refusal {
  readonly code: number
  readonly enhanced: string
  readonly text: string
}

function readRecipient(session: LmtpSession, transaction: Transaction, args: string): Recipient | Refusal {
  if (!/^TO:/i.test(args)) return invalid('Invalid parameters')
  const path = parsePath(args.slice(3), pathOptions(session.settings, transaction.envelope.smtpUtf8))
  if (!path.ok) return invalid(`Invalid TO: ${path.error}`)
  if (path.address === undefined) return invalid('Invalid TO: Null path not allowed')
  const parsed = parseParameters(path.rest, 'RCPT')
  if (!parsed.ok) return invalid(parsed.error)
  const refusal = checkParameters(parsed.parameters, session.io.trusted) ?? checkNumber(transaction, path.address)
  if (refusal !== undefined) return refusal
  const number = transaction.recipientCount + 1
  return new Recipient({
    id: number === 1 ? transaction.id : `${transaction.id}:R${number}`,
    address: path.address,
    orcpt: parsed.parameters.get('ORCPT'),
    forward: readForwardFields(parsed.parameters.get('XRCPTFORWARD')),
  })
}

function checkParameters(parameters: ReadonlyMap<string, string>, trusted: boolean): Refusal | undefined {
  for (const [name, value] of parameters) {
    switch (name) {
      case 'ORCPT': {
        const problem = orcptProblem(value)
        if (problem !== undefined) return invalid(problem)
        break
      }
      case 'XRCPTFORWARD':
        if (!trusted) return { code: 550, enhanced: '5.7.14', text: UNTRUSTED }
        if (decodeXtext(value) === undefined) return invalid(`Invalid XRCPTFORWARD= parameter: ${NO_XTEXT}`)
        break
      default:
        return { code: 555, enhanced: '5.5.4', text: 'Unsupported parameters' }
    }
  }
  return undefined
}

const UNTRUSTED = 'Unacceptable XRCPTFORWARD= parameter: You are not from trusted IP'
const NO_XTEXT = "Invalid hexchar after '+' in xtext"

function orcptProblem(value: string): string | undefined {
  const semicolon = value.indexOf(';')
  if (semicolon <= 0 || !/^[A-Za-z0-9-]+$/.test(value.slice(0, semicolon)))
    return 'Invalid addr-type for ORCPT= parameter'
  const address = value.slice(semicolon + 1)
  if (address === '') return 'Invalid ORCPT= parameter: Empty address value'
  return decodeXtext(address) === undefined ? `Invalid ORCPT= parameter: ${NO_XTEXT}` : undefined
}

/** RFC 5321 §4.5.3.1.10: the client sends the others later. */
function checkNumber(transaction: Transaction, address: Address): Refusal | undefined {
  if (transaction.recipientCount < LMTP_LIMITS.recipients) return undefined
  return { code: 452, enhanced: '4.5.3', text: `${formatPath(address)} Too many recipients` }
}

function invalid(text: string): Refusal {
  return { code: 501, enhanced: '5.5.4', text }
}
