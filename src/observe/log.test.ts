import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Secret } from '../util/secret.ts'
import type { EventTable, LogLevel } from './events.ts'
import { openJsonLog, openTextLog, printable } from './log.ts'
import { openLogWriter, parseLogPath, type LogWriter } from './log-writer.ts'

function memoryWriter(): LogWriter & { lines: string[] } {
  const lines: string[] = []
  return {
    isSyslog: false,
    lines,
    write: (_level: LogLevel, line: string) => void lines.push(line),
    reopen() {},
    flushSync() {},
    close() {},
  }
}

const SESSION = {
  protocol: 'imap',
  service: 'imap-login',
  session: 'zCeS6dBg/7B/AE0B',
  remote_ip: '127.0.77.1',
  remote_port: 45311,
  local_ip: '127.0.77.2',
  local_port: 143,
  line: (message: string) => `${message}: user=<t1>`,
}

const PROXY = { ...SESSION, user: 't1', dest_host: 'b.example', dest_ip: '127.0.77.3', dest_port: 28143 }

const ESTABLISHED: readonly { fields: EventTable['proxy_session_established']; expected: string; why: string }[] = [
  {
    fields: { ...PROXY, dest_host: '127.0.77.3', duration_ms: 60, connect_ms: 52, reconnect_attempts: 0 },
    expected: 'imap-login: Info: proxy(t1,127.0.77.3:28143): Started proxying to <127.0.77.3> (0.052 secs): user=<t1>',
    why: 'an address as host is not said twice',
  },
  {
    fields: {
      ...PROXY,
      dest_user: 'joe',
      master_user: 'adm',
      source_ip: '127.0.0.9',
      duration_ms: 2100,
      connect_ms: 2044,
      reconnect_attempts: 2,
    },
    expected:
      'imap-login: Info: proxy(t1,127.0.77.3:28143): Started proxying to <127.0.77.3> (<b.example>) from 127.0.0.9 as user joe (master adm) (2.044 secs, 2 reconnects): user=<t1>',
    why: 'everything that differs from the default is said',
  },
]

for (const { fields, expected, why } of ESTABLISHED) {
  test(`the line of an established session: ${why}`, () => {
    const writer = memoryWriter()
    openTextLog({ main: writer, info: writer, debug: writer }, '', false).emit('proxy_session_established', fields)
    assert.deepEqual(writer.lines, [expected])
  })
}

test('errors, infos and debug lines go to their own logs, and debug only when asked for', () => {
  const [main, info, debug] = [memoryWriter(), memoryWriter(), memoryWriter()]
  const quiet = openTextLog({ main, info, debug }, '', false)
  quiet.log('error', 'auth', 'bad')
  quiet.log('info', 'auth', 'fine')
  quiet.log('debug', 'auth', 'hidden')
  openTextLog({ main, info, debug }, '', true).log('debug', 'auth', 'shown')
  assert.deepEqual(
    [main.lines, info.lines, debug.lines],
    [['auth: Error: bad'], ['auth: Info: fine'], ['auth: Debug: shown']],
  )
})

test('a stranger cannot forge a log line', () => {
  assert.equal(printable('joe\r\nimap-login: Info: Login'), 'joe\\x0d\\x0aimap-login: Info: Login')
})

test('JSON lines carry the event, its fields and no functions', () => {
  const writer = memoryWriter()
  openJsonLog({ main: writer, info: writer, debug: writer }, false).emit('login_local', { ...SESSION, user: 'joe' })
  const line = JSON.parse(writer.lines[0] ?? '') as Record<string, unknown>
  assert.equal(line['event'], 'login_local')
  assert.equal(line['user'], 'joe')
  assert.equal(line['level'], 'info')
  assert.equal('line' in line, false)
})

test('a secret that reaches a JSON line prints as [secret]', () => {
  assert.equal(JSON.stringify({ password: new Secret('hush') }), '{"password":"[secret]"}')
  assert.equal(`${new Secret('hush').toString()}`, '[secret]')
})

test('a log file keeps every line in order and is opened anew after rotation', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'postern-log-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'a.log')
  const writer = openLogWriter(parseLogPath(path, 'mail', 'dovecot'))
  for (let index = 0; index < 1000; index++) writer.write('info', `line ${index}`)
  writer.flushSync()
  renameSync(path, `${path}.1`)
  writer.reopen()
  writer.write('info', 'after')
  writer.close()
  assert.deepEqual(
    readFileSync(`${path}.1`, 'utf8').trim().split('\n'),
    Array.from({ length: 1000 }, (_, index) => `line ${index}`),
  )
  assert.equal(readFileSync(path, 'utf8'), 'after\n')
})

test('log_path names', () => {
  assert.deepEqual(parseLogPath('syslog', 'mail', 'dovecot'), { kind: 'syslog', facility: 'mail', ident: 'dovecot' })
  assert.deepEqual(parseLogPath('/dev/stderr', 'mail', 'dovecot'), { kind: 'stderr' })
  assert.deepEqual(parseLogPath('/var/log/x', 'mail', 'dovecot'), { kind: 'file', path: '/var/log/x' })
})
