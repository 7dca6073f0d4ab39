import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { isAlive, parseStat, processTree } from './process-tree.ts'

const rest = '1 2 3 0 -1 4194304 100 0 0 0 150 50 7 3 20 0 1 0 4711 1000 10'

test('a stat line is read whatever the process calls itself', () => {
  const expected = { pid: 42, parentPid: 1, startTicks: 4711, cpuSeconds: 2.1 }
  for (const name of ['node', 'a (b) c', 'x) R 9 9', '']) {
    assert.deepEqual(parseStat(`42 (${name}) S ${rest}`), expected, name)
  }
  assert.equal(parseStat(''), undefined)
  assert.equal(parseStat('42 (node) S 1 2'), undefined, 'cut short')
})

test('the tree of this process has its children, and not what has ended', async (t) => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  const found = processTree([process.pid]).find((stat) => stat.pid === child.pid)
  assert.ok(found)
  assert.equal(found.parentPid, process.pid)
  assert.equal(isAlive(found), true)
  child.stdin.end()
  await once(child, 'exit')
  assert.equal(isAlive(found), false)
  assert.ok(!processTree([process.pid]).some((stat) => stat.pid === child.pid))
})
