import assert from 'node:assert/strict'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startPostern } from './peers/postern.ts'
import { connectRaw } from './support/raw-client.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'
import { userIds } from './support/user-ids.ts'

/** Messages said to be saved before every process is killed. */
const BEFORE_KILL = [1, 12]

test('a message that LMTP said is saved survives a kill of every process, and is there once', async (t) => {
  if (process.platform !== 'linux') return t.skip('children are found in /proc')
  const dir = makeTempDir('lmtp-crash')
  t.after(() => removeTempDir(dir))
  const [uid, gid] =
    process.geteuid?.() === 0 ? userIds('nobody') : [process.geteuid?.() ?? 0, process.getegid?.() ?? 0]
  mkdirSync(join(dir, 'mail'))
  if (process.geteuid?.() === 0) chownSync(join(dir, 'mail'), uid, gid)
  writeFileSync(join(dir, 'users'), 'joe:{PLAIN}pass:::::\n')
  const saved = new Set<string>()
  for (const [round, count] of BEFORE_KILL.entries()) {
    const server = await startPostern(
      ({ port }) => `protocols = lmtp
first_valid_uid = 1
first_valid_gid = 0
mail_uid = ${uid}
mail_gid = ${gid}
mail_location = maildir:${dir}/mail/%u
passdb {
  driver = passwd-file
  args = ${dir}/users
}
userdb {
  driver = static
}
service lmtp {
  inet_listener lmtp {
    port = ${port('lmtp')}
  }
}
`,
    )
    const wire = await connectRaw({ port: server.ports['lmtp'] ?? 0, name: 'lmtp' })
    await wire.line()
    wire.send('LHLO client.test')
    await wire.linesUntil(/^250 /)
    // One more than is waited for is on its way when the lights go out.
    for (let number = 0; number <= count; number++) {
      const id = `<${round}-${number}@example.org>`
      wire.send('MAIL FROM:<a@example.org>', 'RCPT TO:<joe>', 'DATA')
      if (number === count) break
      await wire.linesUntil(/^354 /)
      wire.send(`Message-ID: ${id}`, '', 'x', '.')
      await wire.expect(/^250 2\.0\.0 .* Saved$/)
      saved.add(id)
    }
    for (const pid of treeOf(server.pid)) killNow(pid)
    wire.destroy()
    await server.stop()
  }
  const found = ['new', 'cur'].flatMap((part) =>
    readdirSync(join(dir, 'mail/joe', part)).map(
      (name) => /^Message-ID: (.*?)\r?$/m.exec(readFileSync(join(dir, 'mail/joe', part, name), 'latin1'))?.[1],
    ),
  )
  assert.deepEqual(found.map(String).toSorted(), [...saved].toSorted())
})

/** One whose parent is gone may have gone by itself. */
function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** A process and all below it, those that could start others first. */
function treeOf(pid: number): readonly number[] {
  const path = `/proc/${pid}/task/${pid}/children`
  const children = existsSync(path) ? readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number) : []
  return [pid, ...children.flatMap(treeOf)]
}
