import { bareCommand } from '../server/command.ts'
import { closeSelected } from '../server/close-selected.ts'

/** UNSELECT: leaves the mailbox as it is. RFC 3691. */
export const unselect = bareCommand({
  name: 'UNSELECT',
  needs: 'selected',
  async run(session) {
    await closeSelected(session, { say: false })
    return { text: 'OK Unselect completed' }
  },
})
