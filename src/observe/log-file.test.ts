import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { pbkdf2 } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { openLogWriter, type LogWriter } from './log-writer.ts'

const MKFIFO = '/usr/bin/mkfifo'
const noFifo = existsSync(MKFIFO) ? false : 'mkfifo is not installed (Debian: apt-get install coreutils)'
const noProc = existsSync('/proc/self/fdinfo') ? false : 'how far a write has come is seen in /proc, which is not here'
/** Threads that write files. */
const THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)
/** As many as begin to be written at once, and more than a pipe holds. */
const MANY = 4_000

function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'postern-log-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

/** Lines of fifty bytes, numbered. */
function lines(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `line ${from + index} `.padEnd(49, 'x'))
}

function writeAll(writer: LogWriter, some: readonly string[]): void {
  for (const line of some) writer.write('info', line)
}

function read(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1)
}

/** Every thread that could write has something else to do for a moment. */
function occupyThreads(): Promise<unknown> {
  const slow = promisify(pbkdf2)
  return Promise.all(Array.from({ length: THREADS }, () => slow('x', 'y', 30_000, 32, 'sha512')))
}

test('what a thread is still to write is not written again at the end, and stays in front', {
  skip: noProc,
}, async (t) => {
  const path = join(tempDir(t), 'log')
  const writer = openLogWriter({ kind: 'file', path })
  const busy = occupyThreads()
  writeAll(writer, lines(0, MANY))
  writeAll(writer, lines(MANY, MANY + 10))
  writer.flushSync()
  assert.deepEqual(read(path), lines(0, MANY + 10))
  await busy
  writeAll(writer, lines(MANY + 10, MANY + 20))
  writer.close()
  assert.deepEqual(read(path), lines(0, MANY + 20))
})

test('a log that is opened anew while a thread writes loses nothing, and neither file has the lines of both', async (t) => {
  const path = join(tempDir(t), 'log')
  const writer = openLogWriter({ kind: 'file', path })
  const busy = occupyThreads()
  writeAll(writer, lines(0, MANY))
  renameSync(path, `${path}.1`)
  writer.reopen()
  writeAll(writer, lines(MANY, MANY + 10))
  await busy
  writer.close()
  const [old, fresh] = [read(`${path}.1`), read(path)]
  assert.deepEqual([...old, ...fresh], lines(0, MANY + 10))
  assert.ok(old.length > 0 && fresh.length >= 10, `${old.length} lines, then ${fresh.length}`)
})

for (const ends of ['at the end of the process', 'while it goes on'] as const) {
  test(`a pipe that is read slowly gets every line once and in order, ${ends}`, { skip: noFifo }, async (t) => {
    const dir = tempDir(t)
    const [pipe, copy] = [join(dir, 'pipe'), join(dir, 'copy')]
    execFileSync(MKFIFO, [pipe])
    // It begins to read when the pipe has long been full.
    const reader = spawn('sh', ['-c', 'exec < "$0"; sleep 0.1; cat > "$1"', pipe, copy], { stdio: 'ignore' })
    const copied = once(reader, 'exit')
    const writer = openLogWriter({ kind: 'file', path: pipe })
    writeAll(writer, lines(0, MANY))
    if (ends === 'while it goes on') await new Promise((resolve) => setImmediate(resolve))
    writeAll(writer, lines(MANY, MANY + 10))
    writer.close()
    await copied
    assert.deepEqual(read(copy), lines(0, MANY + 10))
  })
}

test('a pipe that nobody reads any more keeps no process from ending', { skip: noFifo }, async (t) => {
  const pipe = join(tempDir(t), 'pipe')
  execFileSync(MKFIFO, [pipe])
  const reader = spawn('sh', ['-c', 'exec < "$0"; echo; exec sleep 60', pipe], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => reader.kill())
  const opened = once(reader.stdout, 'data')
  const writer = openLogWriter({ kind: 'file', path: pipe })
  await opened
  writeAll(writer, lines(0, MANY))
  writer.close()
})

test('standard error is written to in the same way, and stays as others have it', { skip: noProc }, async (t) => {
  const script = `import { readFileSync } from 'node:fs'
import { openLogWriter } from ${JSON.stringify(join(import.meta.dirname, 'log-writer.ts'))}
const writer = openLogWriter({ kind: 'stderr' })
for (let number = 0; number < ${MANY}; number++) writer.write('info', 'line ' + number)
writer.flushSync()
process.stdout.write(/flags:\\s*(\\d+)/.exec(readFileSync('/proc/self/fdinfo/2', 'latin1'))[1])
process.exit(0)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill())
  let [out, err] = ['', '']
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (err += data.toString()))
  await once(child, 'close')
  assert.deepEqual(
    err.split('\n').slice(0, -1),
    Array.from({ length: MANY }, (_, index) => `line ${index}`),
  )
  // O_NONBLOCK is not set on what others share.
  assert.equal(Number.parseInt(out, 8) & 0o4000, 0)
})
