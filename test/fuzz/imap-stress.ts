/**
 * Twenty IMAP sessions of two servers of ours, LMTP deliveries and a Dovecot on the same mailboxes at the same time, with random
 * commands. Ends with an error when any of them is told a contradiction.
 *
 *   node test/fuzz/imap-stress.ts [SECONDS] [SEED]
 */
import { available } from '../peers/peers.ts'
import { stressTogether } from '../stress/together.ts'

const seconds = Number(process.argv[2] ?? 300)
const seed = Number(process.argv[3] ?? Date.now() % 100_000)
console.log(`seed ${seed}, ${seconds} seconds`)
const rounds = available('dovecot-imapd') ? ([false, true] as const) : ([false] as const)
for (const withDovecot of rounds) {
  const { commands, messages } = await stressTogether({ seconds: seconds / rounds.length, seed, withDovecot })
  const who = withDovecot ? 'two of ours and a Dovecot' : 'two of ours'
  console.log(`${who}: ${commands} commands, ${messages} messages: no contradiction, nothing lost`)
}
