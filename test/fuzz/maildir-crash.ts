/**
 * Kills a process that works on a Maildir, again and again, and looks whether anything was lost.
 *
 *   node test/fuzz/maildir-crash.ts [ROUNDS]
 */
import { join } from 'node:path'
import { runCrashes } from '../maildir/crash.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'

const rounds = Number(process.argv[2] ?? 200)
const dir = makeTempDir('crash')
try {
  const { kills, acknowledged } = await runCrashes(join(dir, 'Maildir'), rounds, Math.random)
  console.log(
    `${kills} kills, ${acknowledged} acknowledged operations: nothing lost, nothing doubled, no UID given twice`,
  )
} finally {
  removeTempDir(dir)
}
