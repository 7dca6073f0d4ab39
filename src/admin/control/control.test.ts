import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { askServer, ControlUnavailable } from './client.ts'
import { openControlSocket, type ControlHandler } from './server.ts'

async function open(t: TestContext, handler: ControlHandler): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-control-'))
  const path = join(directory, 'run', 'postern-control')
  const server = await openControlSocket(path, handler)
  t.after(() => {
    server.close()
    rmSync(directory, { recursive: true })
  })
  return path
}

async function collect(path: string, command: string, input: unknown) {
  const replies = []
  const answers = askServer(path, { command, input }, 60_000)
  for (;;) {
    const next = await answers.next()
    if (next.done === true) return { replies, done: next.value }
    replies.push(next.value)
  }
}

test('rows arrive in order and the exit status last', async (t) => {
  const path = await open(t, async (request, reply) => {
    reply({ kind: 'row', row: { command: request.command } })
    reply({ kind: 'text', text: JSON.stringify(request.input) })
    return 68
  })
  assert.deepEqual(await collect(path, 'who', ['a\nb']), {
    replies: [
      { kind: 'row', row: { command: 'who' } },
      { kind: 'text', text: '["a\\nb"]' },
    ],
    done: { kind: 'done', status: 68 },
  })
})

test('a command that throws gives its text and a failing status', async (t) => {
  const path = await open(t, async () => await Promise.reject(new Error('no such thing')))
  assert.deepEqual((await collect(path, 'x', null)).done, { kind: 'done', status: 1, error: 'no such thing' })
})

test('nobody but the owner may open the socket', async (t) => {
  const path = await open(t, async () => 0)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a second server is refused while the first answers; a leftover socket is replaced', async (t) => {
  const path = await open(t, async () => 0)
  await assert.rejects(
    openControlSocket(path, async () => 0),
    /another server answers/,
  )
  const leftover = `${path}-old`
  writeFileSync(leftover, '')
  const server = await openControlSocket(leftover, async () => 0)
  server.close()
})

test('no server: a clear error', async () => {
  await assert.rejects(collect('/nonexistent/postern-control', 'who', null), ControlUnavailable)
})

test('junk in place of a request is answered with an error', async (t) => {
  const path = await open(t, async () => 0)
  const socket = connect(path)
  socket.write('hello\n')
  const [data] = (await once(socket, 'data')) as [Buffer]
  assert.deepEqual(JSON.parse(data.toString()), { kind: 'done', status: 1, error: 'request is not JSON' })
})
