import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from './cancellation.ts'

test('everybody who still listens is told once', () => {
  const cancellation = new Cancellation()
  const told: string[] = []
  const leaving = (): void => void told.push('left before')
  cancellation.addEventListener('abort', () => void told.push('first'))
  cancellation.addEventListener('abort', leaving)
  cancellation.addEventListener('abort', () => void told.push('second'))
  cancellation.removeEventListener('abort', leaving)
  cancellation.removeEventListener('abort', leaving)
  assert.equal(cancellation.aborted, false)
  cancellation.abort()
  cancellation.abort()
  assert.equal(cancellation.aborted, true)
  assert.deepEqual(told, ['first', 'second'])
})

test('the signal says the same, whenever it is asked for', () => {
  const early = new Cancellation()
  const { signal } = early
  assert.equal(signal.aborted, false)
  early.abort()
  assert.equal(signal.aborted, true)
  assert.equal(early.signal, signal)
  const late = new Cancellation()
  late.abort()
  assert.equal(late.signal.aborted, true)
})
