import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineBatch, type LogLine } from './line-batch.ts'

const line = (text: string): LogLine => ({ level: 'info', service: 'imap', text })

test('lines of one moment go out together, in their order', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const sent: string[][] = []
  const batch = new LineBatch((lines) => sent.push(lines.map(({ text }) => text)))
  batch.add(line('a'))
  batch.add(line('b'))
  assert.deepEqual(sent, [])
  t.mock.timers.tick(10)
  batch.add(line('c'))
  t.mock.timers.tick(10)
  assert.deepEqual(sent, [['a', 'b'], ['c']])
})

test('many lines do not wait, and the last ones leave with the process', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let sent = 0
  const batch = new LineBatch((lines) => (sent += lines.length))
  for (let count = 0; count < 201; count++) batch.add(line(String(count)))
  assert.equal(sent, 200)
  batch.flush()
  batch.flush()
  assert.equal(sent, 201)
})
