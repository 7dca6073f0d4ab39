/**
 * Kills the process that serves a user's mail, or the whole server, under load, again and again, and looks whether anything was
 * lost.
 *
 *   node test/fuzz/mail-crash.ts [ROUNDS]
 */
import { runMailCrashes } from '../mail-crash/run.ts'

const rounds = Number(process.argv[2] ?? 200)
const { kills, acknowledged } = await runMailCrashes(rounds, Math.random, (round, sofar) => {
  if (round % 20 === 19) console.log(`${round + 1} kills, ${sofar} acknowledged operations`)
})
console.log(
  `${kills} kills, ${acknowledged} acknowledged operations: nothing lost, nothing doubled, no UID given twice`,
)
