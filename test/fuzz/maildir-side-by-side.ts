/**
 * Dovecot and we on the same mailboxes at the same time, with random operations.
 *
 *   node test/fuzz/maildir-side-by-side.ts [SECONDS]
 */
import { runSideBySide } from '../maildir/side-by-side.ts'

const seconds = Number(process.argv[2] ?? 20)
const { operations, messages } = await runSideBySide(seconds * 1000, Math.random)
console.log(`${operations} operations on ${messages} messages in ${seconds} s: nothing lost, doubled or renumbered`)
