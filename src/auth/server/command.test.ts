import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCommand, parseCpid, parseVersion } from './command.ts'

test('commands are read as they are meant', () => {
  assert.deepEqual(parseCommand('AUTH\t1\tPLAIN\tservice=smtp\tlocal_name=a\u0001tb\tresp=YQ=='), {
    kind: 'auth',
    id: 1,
    mechanism: 'PLAIN',
    parameters: ['service=smtp', 'local_name=a\tb', 'resp=YQ=='],
  })
  assert.deepEqual(parseCommand('CONT\t4294967295\tYQ==\tmore'), {
    kind: 'cont',
    id: 4_294_967_295,
    data: 'YQ==\tmore',
  })
  assert.deepEqual(parseCommand('CONT\t1\t'), { kind: 'cont', id: 1, data: '' })
  assert.deepEqual(parseCommand('CANCEL\t0'), { kind: 'cancel', id: 0 })
})

test('a line that makes no sense is told without what may be a password in it', () => {
  const rows: readonly [line: string, text: string][] = [
    ['AUTH\t0\tPLAIN\tresp=secret', 'sent broken AUTH request'],
    ['AUTH\tsecret', 'sent broken AUTH request'],
    ['CONT\tx\tsecret', 'sent broken CONT request'],
    ['CANCEL\tsecret', 'sent broken CANCEL'],
    ['auth\t1\tsecret', 'sent unknown command: auth'],
    ['AUTH', 'sent unknown command: AUTH'],
    ['\u001b[2J\tsecret', 'sent unknown command: ?[2J'],
    ['', 'sent unknown command: '],
    [`${'x'.repeat(100)}\t1`, `sent unknown command: ${'x'.repeat(61)}...`],
  ]
  for (const [line, text] of rows)
    assert.deepEqual(parseCommand(line), { kind: 'broken', text: `BUG: Authentication client ${text}` })
})

test('any line is a command or a fault', () => {
  const line = fc.string({
    unit: fc.constantFrom('AUTH', 'CONT', 'CANCEL', '\t', '1', '0', 'x', '=', '\u0001', '\u00ff'),
  })
  fc.assert(fc.property(line, (text) => void parseCommand(text)))
})

test('the introduction', () => {
  assert.deepEqual(parseVersion('VERSION\t1\t2'), { major: 1 })
  for (const line of ['VERSION\t1', 'VERSION\tx\t1', 'VERSION\t1\t1\t1', 'CPID\t1', ''])
    assert.equal(parseVersion(line), undefined, line)
  assert.equal(parseCpid('CPID\t12'), 12)
  for (const line of ['CPID\t0', 'CPID\tx', 'CPID\t', 'CPID\t1\t2']) assert.equal(parseCpid(line), 0, line)
  assert.equal(parseCpid('VERSION\t1\t1'), undefined)
})
