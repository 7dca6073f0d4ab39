import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDate, formatReceived, type Trace } from './received.ts'

const TRACE: Trace = {
  helo: 'cl.test',
  remoteIp: '127.0.77.1',
  tls: undefined,
  hostname: 'proxy.test',
  protocol: 'LMTP',
  id: 'YLlRIaodAmuFNAAAg+zDdQ',
  from: '<sender@a>',
  recipient: undefined,
  date: new Date(2026, 10, 22, 2, 7, 5),
}

test('the trace header is folded as Dovecot folds it', () => {
  const date = formatDate(TRACE.date)
  assert.equal(
    formatReceived(TRACE),
    `Received: from cl.test ([127.0.77.1])\r\n\tby proxy.test with LMTP\r\n\tid YLlRIaodAmuFNAAAg+zDdQ\r\n\t(envelope-from <sender@a>); ${date}\r\n`,
  )
  const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', bits: 256 }
  assert.equal(
    formatReceived({ ...TRACE, helo: undefined, tls, recipient: '<joe@x>' }),
    `Received: from unknown ([127.0.77.1])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n\tby proxy.test with LMTPS\r\n\tid YLlRIaodAmuFNAAAg+zDdQ\r\n\t(envelope-from <sender@a>)\r\n\tfor <joe@x>; ${date}\r\n`,
  )
})

test('dates are those of RFC 5322 in the local zone', () => {
  assert.match(formatDate(TRACE.date), /^Sun, 22 Nov 2026 02:07:05 [+-]\d{4}$/)
  assert.equal(new Date(formatDate(TRACE.date)).getTime(), TRACE.date.getTime())
})
