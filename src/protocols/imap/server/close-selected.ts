import type { ImapSession } from './session.ts'

/** Leaves the selected mailbox, if there is one. `say`: another command than CLOSE or UNSELECT did it. RFC 7162 §3.2.11. */
export async function closeSelected(session: ImapSession, { say }: { readonly say: boolean }): Promise<void> {
  const { selected } = session
  if (selected === undefined) return
  session.selected = undefined
  if (say) session.out.text('* OK [CLOSED] Previous mailbox closed.\r\n')
  await selected.mailbox.close()
}
