import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RoutingRow, RoutingRowError } from '../../auth/routing-row.ts'
import { moveUsers } from './move.ts'
import type { MoveNeeds } from './move-needs.ts'
import { MoveUsageError, parseMoveWords, parseUserList } from './move-order.ts'
import { type MoveQuestion, type MoveRow, parseMoveQuestion, readState, writeState } from './move-wire.ts'

/** A server of two workers, and rows in memory. `fail` makes a step fail, `brokenRow` a row. */
function world(options: { fail?: MoveQuestion['step']; brokenRow?: 'change' | 'restore' } = {}) {
  const hosts = new Map([
    ['joe', 'a'],
    ['jane', 'a'],
  ])
  const steps: string[] = []
  const complaints: string[] = []
  let sessions = 3
  async function ask(question: MoveQuestion): Promise<readonly MoveRow[]> {
    parseMoveQuestion(JSON.parse(JSON.stringify(question)))
    steps.push(question.step === 'note' ? `note ${question.text.replace(/^\S+ /, '')}` : question.step)
    if (question.step === options.fail) throw new Error('1 workers did not answer')
    await Promise.resolve()
    switch (question.step) {
      case 'route':
        return question.users.flatMap((user) =>
          [1, 2].map(() => ({ asked: user, result: 'found', user, host: hosts.get(user) ?? '', port: '', hostip: '' })),
        )
      case 'state':
        return question.users.map((user) => writeState({ user, waiting: 0, arriving: 0, left: sessions }))
      case 'kick': {
        const count = String(sessions)
        sessions = 0
        return [{ count }]
      }
      case 'release':
        return [{ count: '2' }]
      default:
        return []
    }
  }
  const rowOf = (user: string): RoutingRow => ({
    place: 'memory',
    current: { host: hosts.get(user) ?? '', port: undefined },
    describe: () => 'host',
    async change({ host }) {
      await Promise.resolve()
      if (options.brokenRow !== undefined && user === 'jane') throw new RoutingRowError('the disk is full')
      hosts.set(user, host)
    },
    async restore() {
      await Promise.resolve()
      if (options.brokenRow === 'restore') throw new RoutingRowError('the disk is still full')
      hosts.set(user, 'a')
    },
  })
  const needs: MoveNeeds = {
    server: { ask },
    rows: {
      async find(user) {
        await Promise.resolve()
        if (!hosts.has(user)) throw new RoutingRowError('no row', true)
        return rowOf(user)
      },
      close: async () => await Promise.resolve(),
    },
    service: 'imap',
    id: 'm1',
    print: () => undefined,
    complain: (text) => complaints.push(text),
    signal: new AbortController().signal,
  }
  return { needs, hosts, steps, complaints }
}

const ORDER = { host: 'b', port: undefined, delay: { ms: 0, spreadMs: 0 }, dryRun: false }
const BOTH = { ...ORDER, users: ['joe', 'jane'] }

test('steps come in their order: hold, change, see, end, prove, release', async () => {
  const { needs, hosts, steps } = world()
  assert.equal(await moveUsers(BOTH, needs), 0)
  assert.deepEqual([...hosts.values()], ['b', 'b'])
  assert.deepEqual(
    steps.filter((step) => !step.startsWith('note')),
    ['route', 'hold', 'route', 'state', 'kick', 'state', 'release'],
  )
})

test('a user who is on the new backend already has only stray sessions ended', async () => {
  const { needs, hosts, steps } = world()
  hosts.set('joe', 'b')
  assert.equal(await moveUsers({ ...ORDER, users: ['joe'] }, needs), 0)
  assert.ok(steps.includes('kick'))
  assert.ok(!steps.some((step) => step.includes('is now')))
})

test('a worker that does not answer is a session that may be there: everything is put back', async () => {
  for (const fail of ['hold', 'state', 'kick'] as const) {
    const { needs, hosts, steps, complaints } = world({ fail })
    assert.equal(await moveUsers(BOTH, needs), 75, fail)
    assert.deepEqual([...hosts.values()], ['a', 'a'])
    assert.match(complaints.join('\n'), /joe, jane: not moved: 1 workers did not answer/)
    assert.equal(steps.filter((step) => step === 'release').length, 1)
    assert.match(steps.at(-1) ?? '', /Everything is as it was/)
  }
})

test('a row that cannot change puts the rows before it back', async () => {
  const { needs, hosts } = world({ brokenRow: 'change' })
  assert.equal(await moveUsers(BOTH, needs), 75)
  assert.deepEqual([...hosts.values()], ['a', 'a'])
})

test('a row that cannot be put back is told, in the log too, with a status of its own', async () => {
  const { needs, steps, complaints } = world({ brokenRow: 'restore' })
  assert.equal(await moveUsers(BOTH, needs), 1)
  assert.match(complaints.join('\n'), /joe: the row could not be put back in memory: the disk is still full/)
  assert.ok(steps.some((step) => step.includes('could not be put back')))
  assert.ok(steps.includes('release'))
})

test('with one unknown user nobody is moved', async () => {
  const { needs, hosts, steps } = world()
  assert.equal(await moveUsers({ ...ORDER, users: ['joe', 'nobody'] }, needs), 67)
  assert.equal(hosts.get('joe'), 'a')
  assert.deepEqual(steps, ['route'])
})

test('command lines', () => {
  const { order, users, usersFrom, socket } = parseMoveWords(
    'joe --to=192.0.2.1 --port 143 --delay 31+5 --users-from - -a /run/s jane --dry-run'.split(' '),
  )
  assert.deepEqual(order, { host: '192.0.2.1', port: '143', delay: { ms: 31_000, spreadMs: 5000 }, dryRun: true })
  assert.deepEqual([users, usersFrom, socket], [['joe', 'jane'], '-', '/run/s'])
  assert.equal(parseMoveWords(['joe', '--to', '2001:db8::1']).order.host, '2001:db8::1')
})

const BAD: readonly { words: string; why: string }[] = [
  { words: 'joe', why: 'no host' },
  { words: '--to b', why: 'no user' },
  { words: 'joe --to b%u', why: 'a host with a variable' },
  { words: 'joe --to a,b', why: 'two hosts' },
  { words: 'joe --to b --port 0', why: 'no port' },
  { words: 'joe --to b --port 65536', why: 'a port that is none' },
  { words: 'joe --to b --delay 1m', why: 'a delay with a unit' },
  { words: 'joe --to b --delay 110+20', why: 'a delay that clients do not survive' },
  { words: 'joe --to b --force', why: 'an option that is none' },
  { words: 'joe --to', why: 'an option without its value' },
]

for (const { words, why } of BAD) {
  test(`a command line with ${why} is refused`, () => {
    assert.throws(() => parseMoveWords(words.split(' ')), MoveUsageError)
  })
}

test('lists of users may have comments, blanks and CRLF', () => {
  assert.deepEqual(parseUserList('# moved in May\r\njoe\r\n\r\n  jane  \n'), ['joe', 'jane'])
})

test('states survive the socket, and junk in place of questions is refused', () => {
  const state = { user: 'joe', waiting: 1, arriving: 2, left: 3 }
  assert.deepEqual(readState(writeState(state)), state)
  for (const junk of [null, 7, {}, { step: 'hold' }, { step: 'state', users: [1] }, { step: 'kick', users: [] }]) {
    assert.throws(() => parseMoveQuestion(junk), /move: /)
  }
})
