import { parseParameters } from '../../smtp/wire/parameters.ts'
import { parseOddPath, parsePath, type PathOptions } from '../../smtp/wire/path.ts'
import type { Envelope } from '../backend/envelope.ts'
import type { Settings } from '../../../config/config.ts'
import { command } from './command.ts'

/** MAIL. RFC 5321 §4.1.1.2; BODY from RFC 6152, SIZE from RFC 1870, SMTPUTF8 from RFC 6531. */
export const mail = command((session, args) => {
  if (session.transaction !== undefined) return session.say(503, '5.5.0', 'MAIL already given')
  if (!/^FROM:/i.test(args)) return session.say(501, '5.5.4', 'Invalid parameters')
  const sender = readSender(args.slice(5), pathOptions(session.settings, true))
  if ('error' in sender) return session.say(501, '5.5.4', `Invalid FROM: ${sender.error}`)
  const { rest, ...from } = sender
  const parsed = parseParameters(rest, 'MAIL')
  if (!parsed.ok) return session.say(501, '5.5.4', parsed.error)
  const parameters = readParameters(parsed.parameters)
  if ('problem' in parameters) return session.say(parameters.code, '5.5.4', parameters.problem)
  session.begin({ ...from, ...parameters })
  return session.say(250, '2.1.0', 'OK')
})

type Sender = Pick<Envelope, 'from' | 'oddFrom'> & { readonly rest: string }

/** Senders are nobody's business here: whatever they are called, it goes on as it came. */
function readSender(text: string, options: PathOptions): Sender | { readonly error: string } {
  const path = parsePath(text, options)
  if (path.ok) return { from: path.address, rest: path.rest }
  const odd = parseOddPath(options.spaceBefore ? text.trimStart() : text)
  if (odd === undefined) return CLOSED_EARLY.test(text) ? { error: 'Invalid character in path' } : path
  return { from: undefined, oddFrom: odd.path, rest: odd.rest }
}

/** `<<a@b>>`: the first `>` is the end. */
const CLOSED_EARLY = /^<[\x21-\x3d\x3f-\x7e\x80-\xff]+>[^ ]/

/** What `lmtp_client_workarounds` tolerates. */
export function pathOptions({ lmtp_client_workarounds: workarounds }: Settings, eightBit: boolean): PathOptions {
  return {
    eightBit,
    spaceBefore: workarounds.includes('whitespace-before-path'),
    withoutBrackets: workarounds.includes('mailbox-for-path'),
  }
}

interface MailParameters {
  readonly eightBit: boolean
  readonly smtpUtf8: boolean
  readonly sizeBytes: number | undefined
}

function readParameters(
  parameters: ReadonlyMap<string, string>,
): MailParameters | { readonly code: number; readonly problem: string } {
  const known = ['BODY', 'SIZE', 'SMTPUTF8']
  for (const name of parameters.keys()) {
    if (!known.includes(name)) return { code: 555, problem: 'Unsupported parameters' }
  }
  const body = parameters.get('BODY')?.toUpperCase()
  if (body !== undefined && body !== '7BIT' && body !== '8BITMIME') {
    return { code: 555, problem: 'Unsupported mail BODY type' }
  }
  const size = parameters.get('SIZE')
  if (size !== undefined && !/^\d{1,20}$/.test(size)) return { code: 501, problem: 'Invalid SIZE= parameter' }
  if ((parameters.get('SMTPUTF8') ?? '') !== '') return { code: 501, problem: 'Invalid SMTPUTF8 parameter' }
  return {
    eightBit: body === '8BITMIME',
    smtpUtf8: parameters.has('SMTPUTF8'),
    sizeBytes: size === undefined ? undefined : Number(size),
  }
}
