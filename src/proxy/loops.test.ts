import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint } from '../net/byte-stream.ts'
import { createLoopGuard, type LoginOrigin } from './loops.ts'

const DOOR = { ip: '192.0.2.9', port: 143 }
const CLIENT = { ip: '192.0.2.1', port: 1000 }
const THERE = { ip: '10.0.0.5', port: 143, destuser: 'joe' }

function from(session: string, other: Partial<LoginOrigin> = {}): LoginOrigin {
  return { session, forwarded: false, ttl: 5, remote: CLIENT, local: DOOR, ...other }
}

test('the same session on its way to the same place is a loop', () => {
  const guard = createLoopGuard()
  const pass = guard.enter(from('id'), THERE)
  assert.notEqual(pass, undefined)
  assert.equal(guard.enter(from('id'), THERE), undefined)
  assert.notEqual(guard.enter(from('other'), THERE), undefined)
  assert.notEqual(guard.enter(from('id'), { ...THERE, ip: '10.0.0.6' }), undefined)
  assert.notEqual(guard.enter(from('id'), { ...THERE, port: 993 }), undefined)
  assert.notEqual(guard.enter(from('id'), { ...THERE, destuser: 'jane' }), undefined)
  pass?.leave()
  assert.equal(guard.enter(from('id'), { ...THERE, port: 993 }), undefined, 'the others are still there')
  assert.notEqual(guard.enter(from('id'), THERE), undefined)
})

test('logins of one forwarded session side by side are no loop, unless one of them has fewer hops left', () => {
  const guard = createLoopGuard()
  const enter = (ttl: number, forwarded: boolean): ReturnType<typeof guard.enter> =>
    guard.enter(from('id', { ttl, forwarded }), THERE)
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
  own.enter(from('id'), THERE)
  assert.equal(own.enter(from('id', { forwarded: true }), THERE), undefined, 'an id that we made comes back')
})

test('a loop that nobody counts ends all the same', () => {
  const guard = createLoopGuard()
  let passes = 0
  while (guard.enter(from('id', { forwarded: true }), THERE) !== undefined && passes < 1000) passes++
  assert.equal(passes, 20)
})

const NEAR = { ip: '127.0.0.1', port: 40000 }

test('a connection of our own is known by its two ends, though its session id was not believed', () => {
  const guard = createLoopGuard()
  const isLoop = (remote: Endpoint): boolean => {
    const pass = guard.enter(from('second', { remote, local: THERE }), THERE)
    pass?.leave()
    return pass === undefined
  }
  const pass = guard.enter(from('first'), THERE)
  pass?.connected(NEAR)
  assert.equal(isLoop(NEAR), true)
  assert.equal(isLoop({ ip: '127.0.0.1', port: 40001 }), false)
  assert.equal(isLoop({ ip: '127.0.0.2', port: 40000 }), false)
  pass?.connected({ ip: '127.0.0.1', port: 40002 })
  assert.equal(isLoop(NEAR), false, 'the first try is over')
  assert.equal(isLoop({ ip: '127.0.0.1', port: 40002 }), true)
  pass?.leave()
  pass?.leave()
  assert.equal(isLoop({ ip: '127.0.0.1', port: 40002 }), false)
})

test('a client beside us may have the port of our near end; a loop through translated addresses ends too', () => {
  const guard = createLoopGuard()
  guard.enter(from('first'), THERE)?.connected(NEAR)
  const passes = [...Array(100).keys()].map((index) => guard.enter(from(`client ${index}`, { remote: NEAR }), THERE))
  assert.equal(passes.filter((pass) => pass !== undefined).length, 19)
  for (const pass of passes) pass?.leave()
  assert.notEqual(guard.enter(from('another', { remote: NEAR }), THERE), undefined)
})

test('a believed session id that came round translated addresses has fewer hops left', () => {
  const guard = createLoopGuard()
  guard.enter(from('id'), THERE)?.connected(NEAR)
  assert.equal(guard.enter(from('id', { remote: NEAR, forwarded: true, ttl: 4 }), THERE), undefined)
})

test('two connections may have near ends with the same port', () => {
  const guard = createLoopGuard()
  const first = guard.enter(from('first'), THERE)
  const second = guard.enter(from('second'), THERE)
  const isLoop = (ip: string): boolean => {
    const pass = guard.enter(from('client', { remote: { ip, port: 40000 }, local: THERE }), THERE)
    pass?.leave()
    return pass === undefined
  }
  first?.connected({ ip: '127.0.0.1', port: 40000 })
  second?.connected({ ip: '127.0.0.2', port: 40000 })
  assert.equal(isLoop('127.0.0.2'), true)
  first?.leave()
  assert.equal(isLoop('127.0.0.2'), true)
  assert.equal(isLoop('127.0.0.1'), false)
})
