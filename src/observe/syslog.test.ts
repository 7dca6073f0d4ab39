import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTextLog } from './log.ts'
import { LibcSyslog, type SyslogCall } from './syslog.ts'

const LOCAL3 = 19

/** A system log that takes a line when it is told to. */
function slowSyslog(): SyslogCall & { lines: [number, string][]; take: () => void } {
  let pending: (() => void) | undefined
  const lines: [number, string][] = []
  return {
    lines,
    take: () => pending?.(),
    send(priority, line, done) {
      pending = () => {
        lines.push([priority, line])
        pending = undefined
        done()
      }
    },
    sendSync: (priority, line) => void lines.push([priority, line]),
  }
}

test('lines of the system log have a priority, and neither time nor the word Info', () => {
  const call = slowSyslog()
  const writer = new LibcSyslog(LOCAL3, call)
  const log = openTextLog({ main: writer, info: writer, debug: writer }, '%b %d ', true)
  log.log('info', 'imap-login', 'Login: user=<joe>')
  log.log('warning', 'master', 'hm')
  log.log('error', 'auth', 'oh')
  log.log('debug', 'auth', 'so')
  for (let count = 0; count < 4; count++) call.take()
  assert.deepEqual(call.lines, [
    [158, 'imap-login: Login: user=<joe>'],
    [156, 'master: Warning: hm'],
    [155, 'auth: Error: oh'],
    [159, 'auth: Debug: so'],
  ])
})

test('lines go out one after the other, and what waits goes out when the process ends', () => {
  const call = slowSyslog()
  const writer = new LibcSyslog(LOCAL3, call)
  for (const line of ['one', 'two', 'three']) writer.write('info', line)
  call.take()
  assert.deepEqual(call.lines, [[158, 'one']])
  writer.flushSync()
  assert.deepEqual(call.lines, [
    [158, 'one'],
    [158, 'three'],
  ])
  call.take()
  assert.deepEqual(call.lines.at(-1), [158, 'two'])
})

test('a system log that stands still costs lines, not memory, and the count of them is told', () => {
  const call = slowSyslog()
  const writer = new LibcSyslog(LOCAL3, call)
  for (let number = 0; number < 10_050; number++) writer.write('info', `line ${number}`)
  for (let number = 0; number < 10_050; number++) call.take()
  assert.equal(call.lines.length, 10_002)
  assert.match(call.lines.at(-1)?.[1] ?? '', /^log: Warning: 49 lines were dropped/)
})
