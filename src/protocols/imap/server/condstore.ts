import type { ImapSession } from './session.ts'

/** The client uses MODSEQs from now on, and learns the highest one. RFC 7162 §3.1. */
export function enableCondstore(session: ImapSession): void {
  if (session.condstore) return
  session.condstore = true
  if (session.selected !== undefined) sayHighestModSeq(session)
}

/** `* OK [HIGHESTMODSEQ n] Highest`. RFC 7162 §3.1.2.1. */
export function sayHighestModSeq({ out, mailbox }: ImapSession): void {
  out.text(`* OK [HIGHESTMODSEQ ${mailbox.highestModSeq}] Highest\r\n`)
}
