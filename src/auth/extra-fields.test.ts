import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FieldSet } from './extra-fields.ts'

test('a rollback returns to the last snapshot, whatever was added, overwritten or removed', () => {
  const fields = new FieldSet()
  fields.add('host', '10.0.0.1', 'one')
  fields.add('proxy', 'y', 'one')
  fields.snapshot()
  fields.add('host', '10.0.0.2', 'two')
  fields.add('host', '10.0.0.3', 'two')
  fields.add('port', '143', 'two')
  fields.remove('proxy')
  fields.remove('absent')
  fields.rollback()
  assert.deepEqual(
    [...fields.visible()],
    [
      ['host', '10.0.0.1'],
      ['proxy', 'y'],
    ],
  )
})

test('hidden fields stay inside, and can be asked for', () => {
  const fields = new FieldSet()
  fields.add('allow_nets', '10.0.0.0/8', 'one', true)
  fields.add('host', 'a', 'one')
  assert.equal(fields.get('allow_nets'), '10.0.0.0/8')
  assert.deepEqual([...fields.visible().keys()], ['host'])
})

test('only fields set since the snapshot count as changed', () => {
  const fields = new FieldSet()
  fields.add('a', '1', 'one')
  fields.snapshot()
  fields.add('b', '2', 'two')
  fields.add('c', '3', 'two')
  fields.remove('c')
  fields.remove('a')
  assert.deepEqual([...fields.changed().keys()], ['b'])
})

test('fields may be called like the methods of an object', () => {
  const fields = new FieldSet()
  assert.equal(fields.has('constructor'), false)
  fields.add('__proto__', 'x', 'one')
  assert.equal(fields.get('__proto__'), 'x')
})
