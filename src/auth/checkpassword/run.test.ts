import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { eventually } from '../../../test/support/control.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { CHECKPASSWORD_LIMITS, Checkpassword, type CheckpasswordResult } from './run.ts'

const skip = existsSync('/proc/self/stat') ? false : 'whether a process has ended is seen in /proc, which is not here'

const cell = new Int32Array(new SharedArrayBuffer(4))

/** This thread stands still. */
function stand(ms: number): void {
  Atomics.wait(cell, 0, 0, ms)
}

/** The same until the process has ended; nobody has heard of it then. */
function standUntilEnded(pid: number): void {
  while (!/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) stand(2)
}

/** Runs a program that says who it is and ends well as soon as there is a file `go`. */
async function begin(t: TestContext): Promise<{ pid: number; go: () => void; result: Promise<CheckpasswordResult> }> {
  const dir = makeTempDir('checkpassword-run')
  t.after(() => removeTempDir(dir))
  const [path, pid, go] = ['program', 'pid', 'go'].map((name) => join(dir, name)) as [string, string, string]
  const text = `#!/bin/sh\necho $$ > ${pid}\nwhile [ ! -e ${go} ]; do sleep 0.01; done\nUSER=joe exec "$1"\n`
  writeFileSync(path, text, { mode: 0o755 })
  const program = new Checkpassword([path])
  t.after(() => program.close())
  const result = program.run(Buffer.from('joe\0x\0\0'), {}, t.signal)
  await eventually('it runs', () => existsSync(pid) && readFileSync(pid, 'latin1').endsWith('\n'))
  return { pid: Number(readFileSync(pid, 'latin1')), go: () => writeFileSync(go, ''), result }
}

test('what a program has said is not lost when we have no time to read it for long', { skip }, async (t) => {
  const { pid, go, result } = await begin(t)
  // The end of this one and its output are seen in one turn, its end last: that of the program then, too, and not what it said.
  const other = spawn('sh', ['-c', 'echo x'], { stdio: ['ignore', 'pipe', 'ignore'] })
  other.stdout.once('data', () => {
    go()
    standUntilEnded(pid)
    setImmediate(() => stand(CHECKPASSWORD_LIMITS.patienceMs + 100))
  })
  standUntilEnded(other.pid ?? 0)
  const { ended, environment } = await result
  assert.equal(ended, 0)
  assert.equal(environment?.get('USER'), 'joe')
})
