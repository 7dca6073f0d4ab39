/** What a client reads about a recipient: the backend's replies made ours, and a failure's words. */
import { parsePath } from '../smtp/wire/path.ts'
import { formatReply, type SmtpReply } from '../smtp/wire/reply.ts'
import { encodeLine } from '../wire-text.ts'
import { assertNever } from '../../util/assert-never.ts'
import { BackendRefusal, type BackendFailure } from './backend/failure.ts'
import type { Recipient } from './recipient.ts'

/** RCPT was taken: the backend's own words. */
export function recipientTaken({ code, enhanced, texts }: SmtpReply): string {
  return formatReply(code, enhanced?.startsWith('2') === true ? enhanced : '2.1.0', texts.map(printable))
}

/** The message was taken: the recipient and its session, by which it is found in our log. */
export function messageTaken({ code, enhanced }: SmtpReply, { path, id }: Recipient): string {
  return formatReply(code, enhanced?.startsWith('2') === true ? enhanced : '2.0.0', [`${path} ${id} Saved`])
}

/** The backend or the way to it failed, for this recipient. `verbose` is `lmtp_verbose_replies`. */
export function failed(error: BackendFailure | BackendRefusal, recipient: Recipient, verbose: boolean): string {
  return error instanceof BackendRefusal ? refused(error.reply, recipient) : broken(error, recipient, verbose)
}

function refused({ code, enhanced, texts }: SmtpReply, { path }: Recipient): string {
  const [first = '', ...others] = texts.map(printable)
  const kind = `${Math.floor(code / 100)}`
  return formatReply(code, enhanced?.startsWith(kind) === true ? enhanced : `${kind}.0.0`, [
    `${path} ${withoutPath(first)}`,
    ...others,
  ])
}

/** The backend knows the recipient by another name, maybe. `<other@y>: text` is not its usual form, and stays. */
function withoutPath(text: string): string {
  if (!text.startsWith('<')) return text
  const parsed = parsePath(text, { eightBit: true, spaceBefore: false, withoutBrackets: false })
  return parsed.ok && parsed.rest !== '' ? parsed.rest.trimStart() : text
}

function broken({ fault, detail }: BackendFailure, { path, id }: Recipient, verbose: boolean): string {
  switch (fault) {
    case 'not answering':
      return formatReply(451, '4.4.0', [`${path} ${NOT_ANSWERING}`])
    case 'not 8-bit':
      return formatReply(554, '5.6.3', [`${path} Message has 8-bit content, which the destination does not take`])
    case 'connect':
    case 'connection lost':
    case 'bad reply':
    case 'timed out':
      return formatReply(451, '4.4.0', [
        verbose
          ? `Proxy failed: ${printable(encodeLine(detail))} (session=${id})`
          : `Proxy failed (${fault}, session=${id})`,
      ])
    default:
      return assertNever(fault)
  }
}

export const NOT_ANSWERING = 'Remote server not answering (transaction timed out while waiting for reply to DATA)'

/** A backend's text as it may go on to a client: no control characters. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, ' ')
}
