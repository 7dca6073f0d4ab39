import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EventName, type Observer, silent } from '../observe/events.ts'
import { SwitchObserver } from './switch-observer.ts'

const RELOADED = { path: 'dovecot.conf', complaints: 0 }
const STARTED = { worker: 1, pid: 2 }

function sink(...names: readonly EventName[]): Observer & { heard: EventName[] } {
  const heard: EventName[] = []
  return { ...silent, heard, hears: (name) => names.includes(name), emit: (name) => heard.push(name) }
}

test('each sink gets the events that it hears, one that does not say so gets all', () => {
  const observer = new SwitchObserver()
  const some = sink('config_reloaded')
  const heard: EventName[] = []
  const all: Observer = { emit: (name) => heard.push(name), log() {} }
  observer.use([some, all])
  observer.emit('config_reloaded', RELOADED)
  observer.emit('worker_started', STARTED)
  assert.deepEqual(some.heard, ['config_reloaded'])
  assert.deepEqual(heard, ['config_reloaded', 'worker_started'])
})

test('what is heard changes with the sinks', () => {
  const observer = new SwitchObserver()
  assert.equal(observer.hears('config_reloaded'), false)
  observer.use([sink('config_reloaded')])
  assert.equal(observer.hears('config_reloaded'), true)
  assert.equal(observer.hears('worker_started'), false)
  observer.use([sink('worker_started')])
  assert.equal(observer.hears('config_reloaded'), false)
  assert.equal(observer.hears('worker_started'), true)
})
