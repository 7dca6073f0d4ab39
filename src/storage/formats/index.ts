import type { MailFormat } from './format.ts'
import { IMAPC, imapcFormat } from './imapc.ts'
import { openMaildirFormat } from './maildir/index.ts'

/** Every mailbox format, by the name in `mail_location`. */
export function mailFormats(): ReadonlyMap<string, MailFormat> {
  return new Map([
    ['maildir', openMaildirFormat()],
    [IMAPC, imapcFormat()],
  ])
}
