import { bareCommand } from '../server/command.ts'
import { capabilityOf } from '../server/capability.ts'

/** CAPABILITY. RFC 3501 §6.1.1. */
export const capability = bareCommand({
  name: 'CAPABILITY',
  needs: 'authenticated',
  run({ out, mail }) {
    out.text(`* CAPABILITY ${capabilityOf(mail)}\r\n`)
    return { text: 'OK Capability completed' }
  },
})
