import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLoopGuard } from './loops.ts'

const CLIENT = { ip: '192.0.2.1', port: 1000 }
const THERE = { ip: '10.0.0.5', port: 143, destuser: 'joe' }

test('the same session on its way to the same place is a loop', () => {
  const guard = createLoopGuard()
  const pass = guard.enter(guard.chainOf('id', CLIENT), THERE)
  assert.notEqual(pass, undefined)
  assert.equal(guard.enter(guard.chainOf('id', CLIENT), THERE), undefined)
  assert.notEqual(guard.enter(guard.chainOf('other', CLIENT), THERE), undefined)
  assert.notEqual(guard.enter(guard.chainOf('id', CLIENT), { ...THERE, ip: '10.0.0.6' }), undefined)
  assert.notEqual(guard.enter(guard.chainOf('id', CLIENT), { ...THERE, port: 993 }), undefined)
  assert.notEqual(guard.enter(guard.chainOf('id', CLIENT), { ...THERE, destuser: 'jane' }), undefined)
  pass?.leave()
  assert.equal(
    guard.enter(guard.chainOf('id', CLIENT), { ...THERE, port: 993 }),
    undefined,
    'the others are still there',
  )
  assert.notEqual(guard.enter(guard.chainOf('id', CLIENT), THERE), undefined)
})

test('logins of one forwarded session side by side are no loop, unless one of them has fewer hops left', () => {
  const guard = createLoopGuard()
  const enter = (ttl: number, forwarded: boolean): ReturnType<typeof guard.enter> =>
    guard.enter('id', THERE, { ttl, forwarded })
  const first = enter(5, true)
  const second = enter(5, true)
  assert.ok(first !== undefined && second !== undefined)
  assert.equal(enter(4, true), undefined, 'it went round')
  assert.equal(enter(5, false), undefined, 'it came from a socket of ours')
  first.leave()
  first.leave()
  assert.equal(enter(4, true), undefined, 'the second is still there')
  second.leave()
  assert.ok(enter(4, true) !== undefined)
  const own = createLoopGuard()
  own.enter('id', THERE, { ttl: 5, forwarded: false })
  assert.equal(own.enter('id', THERE, { ttl: 5, forwarded: true }), undefined, 'an id that we made comes back')
})

test('a loop that nobody counts ends all the same', () => {
  const guard = createLoopGuard()
  let passes = 0
  while (guard.enter('id', THERE, { ttl: 5, forwarded: true }) !== undefined && passes < 1000) passes++
  assert.equal(passes, 20)
})

test('a connection of our own is known by its near end, though its session id was not believed', () => {
  const guard = createLoopGuard()
  const pass = guard.enter('first', THERE)
  pass?.connected({ ip: '127.0.0.1', port: 40000 })
  assert.equal(guard.chainOf('second', { ip: '127.0.0.1', port: 40000 }), 'first')
  assert.equal(guard.chainOf('second', { ip: '127.0.0.1', port: 40001 }), 'second')
  pass?.connected({ ip: '127.0.0.1', port: 40002 })
  assert.equal(guard.chainOf('second', { ip: '127.0.0.1', port: 40000 }), 'second', 'the first try is over')
  pass?.leave()
  pass?.leave()
  assert.equal(guard.chainOf('second', { ip: '127.0.0.1', port: 40002 }), 'second')
})

test('two connections may have near ends with the same port', () => {
  const guard = createLoopGuard()
  const first = guard.enter('first', THERE)
  const second = guard.enter('second', THERE)
  first?.connected({ ip: '127.0.0.1', port: 40000 })
  second?.connected({ ip: '127.0.0.2', port: 40000 })
  assert.equal(guard.chainOf('client', { ip: '127.0.0.2', port: 40000 }), 'second')
  first?.leave()
  assert.equal(guard.chainOf('client', { ip: '127.0.0.2', port: 40000 }), 'second')
  assert.equal(guard.chainOf('client', { ip: '127.0.0.1', port: 40000 }), 'client')
})
