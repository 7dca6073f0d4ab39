import { bareCommand } from '../server/command.ts'

/** CHECK: everything is on disk when a command is answered, so only news are told. RFC 3501 §6.4.1. */
export const check = bareCommand({
  name: 'CHECK',
  needs: 'selected',
  run: () => ({ text: 'OK Check completed', sync: { expunge: true, safe: true, look: 'now' } }),
})
