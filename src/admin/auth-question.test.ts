import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionFrom, parseAuthQuestion } from './auth-question.ts'

test('-x describes the connection', () => {
  const { connection, problems } = connectionFrom(
    ['service=pop3', 'rip=192.0.2.7', 'lip=::ffff:10.0.0.1', 'lport=995', 'secured=tls', 'forward_a=b', 'local_name=m'],
    {},
  )
  assert.deepEqual(problems, [])
  assert.equal(connection.service, 'pop3')
  assert.deepEqual(connection.remote, { ip: '192.0.2.7', port: 0 })
  assert.deepEqual(connection.local, { ip: '10.0.0.1', port: 995 })
  assert.deepEqual(connection.realLocal, connection.local, 'without a word about it, nobody stands between')
  assert.equal(connection.secured, 'TLS')
  assert.equal(connection.localName, 'm')
  assert.deepEqual([...connection.forward], [['a', 'b']])
})

test('what is not said is the default', () => {
  const usual = { service: 'imap', remote: { ip: '127.0.0.1', port: 9 }, secured: 'secured', session: 's' } as const
  const { connection } = connectionFrom(['real_rip=10.0.0.9'], usual)
  assert.equal(connection.service, 'imap')
  assert.deepEqual(connection.remote, { ip: '127.0.0.1', port: 9 })
  assert.deepEqual(connection.realRemote, { ip: '10.0.0.9', port: 9 })
  assert.equal(connection.secured, 'secured')
})

test('what makes no sense is told', () => {
  const { problems } = connectionFrom(['rip=here', 'rport=70000', 'colour=blue', 'forward_=x'], {})
  assert.deepEqual(problems.toSorted(), [
    'not a port: 70000',
    'not an address: here',
    'unknown auth info: colour',
    'unknown auth info: forward_',
  ])
})

test('a question over the socket needs a user', () => {
  assert.throws(() => parseAuthQuestion({ password: 'x' }), /no user/)
  assert.throws(() => parseAuthQuestion('joe'), /not an object/)
  assert.deepEqual(parseAuthQuestion({ user: 'joe', password: 'x', master: 4, info: ['a=b', 7] }), {
    user: 'joe',
    password: 'x',
    info: ['a=b'],
  })
})
