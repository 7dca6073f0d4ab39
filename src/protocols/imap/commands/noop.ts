import { bareCommand } from '../server/command.ts'

/** NOOP: what is new? RFC 3501 §6.1.2. */
export const noop = bareCommand({
  name: 'NOOP',
  needs: 'authenticated',
  run: () => ({ text: 'OK NOOP completed', sync: { expunge: true, safe: true, look: 'now' } }),
})
