import { type Flags, SYSTEM_FLAGS, systemFlagNames } from '../../../storage/flags.ts'
import type { Mailbox, MessageRecord } from '../../../storage/store.ts'
import type { ImapSession, Selected } from './session.ts'

/** The inside of a message's FLAGS list, \Recent included. */
export function flagsOf(mailbox: Mailbox, { uid, flags }: MessageRecord): string {
  return mailbox.recent > 0 && mailbox.isRecent(uid) ? recentText(flags) : flags.text
}

/** `* FLAGS` and PERMANENTFLAGS. RFC 3501 §7.2.6 and §7.1. */
export function sayKeywords({ out }: ImapSession, selected: Selected): void {
  const { keywords, permanent } = selected.mailbox
  selected.keywordCount = keywords.length
  out.text(`* FLAGS (${[...ALL_SYSTEM, ...keywords].join(' ')})\r\n`)
  if (selected.examined || selected.mailbox.readOnly) {
    out.text('* OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n')
    return
  }
  const own = permanent.keywords === 'none' ? [] : keywords
  const wild = permanent.keywords === 'new' ? ['\\*'] : []
  out.text(
    `* OK [PERMANENTFLAGS (${[...systemFlagNames(permanent.bits), ...own, ...wild].join(' ')})] Flags permitted.\r\n`,
  )
}

const ALL_SYSTEM = SYSTEM_FLAGS.map(([, name]) => name)
const recentTexts = new WeakMap<Flags, string>()

/** Dovecot writes \Recent behind the system flags and before the keywords. */
function recentText(flags: Flags): string {
  let text = recentTexts.get(flags)
  if (text === undefined) {
    text = [...systemFlagNames(flags.bits), '\\Recent', ...flags.keywords].join(' ')
    recentTexts.set(flags, text)
  }
  return text
}
