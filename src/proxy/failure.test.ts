import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionLost, DeadlineExceeded, LineTooLong } from '../net/byte-stream.ts'
import { DialFailed, type DialFault } from '../net/dial.ts'
import { TlsFailed } from '../net/tls.ts'
import { TlsSettingsError } from '../net/tls-context.ts'
import { ProxyFailure, type ProxyFailureClass } from '../protocols/proxy-failure.ts'
import { describeFailure, dialFailure, dialogueFailure, failureResult, failureVerdict, isRefusal } from './failure.ts'

const TO = { ip: '127.0.77.3', port: 143 }
const LOCAL = { ip: '127.0.0.1', port: 41186 }
const CONTEXT = {
  user: 'joe',
  target: { destuser: 'joe' },
  sourceIp: undefined,
  local: LOCAL,
  step: 'login/id',
  elapsedMs: 3_040,
  reconnects: 3,
} as const

const system = (code: string): Error => Object.assign(new Error(`read ${code}`), { code })
const dialed = (fault: DialFault, message: string, cause?: unknown): DialFailed =>
  new DialFailed(fault, message, LOCAL, cause)

const dials: readonly { why: string; error: unknown; is: string; class: ProxyFailureClass }[] = [
  {
    why: 'refused',
    error: dialed('connect', 'connect(127.0.77.3, 143) failed: Connection refused'),
    is: 'connect(127.0.77.3, 143) failed: Connection refused (after 3 secs, 3 reconnects, local=127.0.0.1:41186)',
    class: 'connect',
  },
  {
    why: 'no answer',
    error: dialed('timeout', 'Timed out'),
    is: 'connect(127.0.77.3, 143) failed: Connection timed out (after 3 secs, 3 reconnects, local=127.0.0.1:41186)',
    class: 'connect',
  },
  {
    why: 'our address cannot be used',
    error: dialed('bind', 'bind(10.9.8.7) failed: Cannot assign requested address', system('EADDRNOTAVAIL')),
    is: 'connect(127.0.77.3, 143) failed: Cannot assign requested address (after 3 secs, 3 reconnects, local=127.0.0.1:41186)',
    class: 'connect',
  },
  {
    why: 'certificate',
    error: dialed(
      'certificate',
      'Received invalid SSL certificate: self-signed certificate: /CN=selfs (check ssl_client_ca_* settings?)',
    ),
    is: 'Disconnected by server: Connection closed: Received invalid SSL certificate: self-signed certificate: /CN=selfs (check ssl_client_ca_* settings?) (state=login/id, duration=3s)',
    class: 'remote-config',
  },
  {
    why: 'handshake',
    error: dialed('tls', 'SSL_connect() failed: error:0A00010B:SSL routines::wrong version number'),
    is: 'Disconnected by server: Connection closed: SSL_connect() failed: error:0A00010B:SSL routines::wrong version number (state=login/id, duration=3s)',
    class: 'connect',
  },
  {
    why: 'closed in the handshake',
    error: dialed('closed', 'Connection closed'),
    is: 'Disconnected by server: Connection closed (state=login/id, duration=3s)',
    class: 'connect',
  },
  {
    why: 'our TLS settings',
    error: new TlsSettingsError("Couldn't parse ssl_ca"),
    is: "Couldn't parse ssl_ca",
    class: 'internal-config',
  },
  {
    why: 'a fault of ours',
    error: new TypeError('x is undefined'),
    is: 'Aborting due to internal error: x is undefined',
    class: 'internal',
  },
]

for (const { why, error, is, class: failureClass } of dials) {
  test(`a connection that does not come up: ${why}`, () => {
    const failure = dialFailure(TO, error, CONTEXT.step)
    assert.equal(describeFailure(failure, CONTEXT), is)
    assert.equal(failure.class, failureClass)
  })
}

const dialogues: readonly { why: string; error: unknown; is: string; class: ProxyFailureClass }[] = [
  {
    why: 'timeout',
    error: new DeadlineExceeded('deadline exceeded'),
    is: 'Login timed out in state=login/id (after 3 secs, 3 reconnects, local=127.0.0.1:41186)',
    class: 'connect',
  },
  {
    why: 'closed, as a protocol says it',
    error: new ProxyFailure('connect', 'Disconnected by server: Connection closed'),
    is: 'Disconnected by server: Connection closed (state=login/id, duration=3s)',
    class: 'connect',
  },
  {
    why: 'reset',
    error: new ConnectionLost('read ECONNRESET', { cause: system('ECONNRESET') }),
    is: 'Disconnected by server: Connection closed: Connection reset by peer (state=login/id, duration=3s)',
    class: 'connect',
  },
  {
    why: 'reset, as a protocol says it',
    error: new ProxyFailure('connect', 'Disconnected by server: Connection closed: read ECONNRESET', {
      cause: new ConnectionLost('read ECONNRESET', { cause: system('ECONNRESET') }),
    }),
    is: 'Disconnected by server: Connection closed: Connection reset by peer (state=login/id, duration=3s)',
    class: 'connect',
  },
  {
    why: 'name in the certificate',
    error: new TlsFailed(
      'certificate',
      "SSL certificate doesn't match expected host name 127.0.77.3: did not match to any IP or DNS fields",
    ),
    is: "Disconnected by server: Connection closed: SSL certificate doesn't match expected host name 127.0.77.3: did not match to any IP or DNS fields (state=login/id, duration=3s)",
    class: 'remote-config',
  },
  {
    why: 'a line without end',
    error: new LineTooLong('longer than 4096'),
    is: 'Remote server sent invalid input: Too long input line',
    class: 'protocol',
  },
  {
    why: 'banner',
    error: new ProxyFailure('protocol', 'Invalid banner: -ERR [SYS/TEMP] busy'),
    is: 'Remote server sent invalid input: Invalid banner: -ERR [SYS/TEMP] busy',
    class: 'protocol',
  },
  {
    why: 'XCLIENT',
    error: new ProxyFailure('remote', 'XCLIENT failed: -ERR nope'),
    is: 'Aborting due to remote server: XCLIENT failed: -ERR nope',
    class: 'remote',
  },
  {
    why: 'no STARTTLS',
    error: new ProxyFailure('remote-config', 'STARTTLS not supported'),
    is: 'Aborting due to remote server: STARTTLS not supported',
    class: 'remote-config',
  },
  { why: 'refused', error: new ProxyFailure('auth', '[LIMIT] nope'), is: 'Login failed: [LIMIT] nope', class: 'auth' },
  {
    why: 'refused for now',
    error: new ProxyFailure('auth-temp', '[UNAVAILABLE] later'),
    is: 'Login failed: [UNAVAILABLE] later',
    class: 'auth-temp',
  },
]

for (const { why, error, is, class: failureClass } of dialogues) {
  test(`a dialogue that does not end well: ${why}`, () => {
    const failure = dialogueFailure(error, CONTEXT.step)
    assert.equal(describeFailure(failure, CONTEXT), is)
    assert.equal(failure.class, failureClass)
  })
}

test('a handshake that is not answered is a login that timed out', () => {
  const failure = dialFailure(TO, dialed('tls-timeout', 'Timed out'), '/none')
  const text = describeFailure(failure, { ...CONTEXT, reconnects: 0, local: undefined })
  assert.equal(text, 'Login timed out in state=/none (after 3 secs)')
  assert.equal(failure.class, 'connect')
})

test('without reconnects and without a near end the line is shorter', () => {
  const failure = dialFailure(TO, dialed('timeout', 'Timed out'), CONTEXT.step)
  const text = describeFailure(failure, { ...CONTEXT, reconnects: 0, local: undefined })
  assert.equal(text, 'connect(127.0.77.3, 143) failed: Connection timed out (after 3 secs)')
})

test('a refusal tells as whom and from where', () => {
  const failure = new ProxyFailure('auth', '[LIMIT] nope')
  const target = { destuser: 'other', master: 'adm' }
  const text = describeFailure(failure, { ...CONTEXT, target, sourceIp: '127.0.0.5' })
  assert.equal(text, 'Login failed from 127.0.0.5 as user other (master adm): [LIMIT] nope')
})

/** The table "What the client sees": which classes mean "come again". */
const verdicts: readonly { class: ProxyFailureClass; verdict: unknown; result: string }[] = [
  { class: 'connect', verdict: { kind: 'proxy-failed', retryLater: true }, result: 'proxy_dest_connect_failed' },
  { class: 'internal', verdict: { kind: 'proxy-failed', retryLater: true }, result: 'proxy_dest_internal_failure' },
  {
    class: 'internal-config',
    verdict: { kind: 'proxy-failed', retryLater: false },
    result: 'proxy_dest_internal_failure',
  },
  { class: 'remote', verdict: { kind: 'proxy-failed', retryLater: true }, result: 'proxy_dest_remote_failure' },
  { class: 'remote-config', verdict: { kind: 'proxy-failed', retryLater: false }, result: 'proxy_dest_remote_failure' },
  { class: 'protocol', verdict: { kind: 'proxy-failed', retryLater: true }, result: 'proxy_dest_protocol_failure' },
  {
    class: 'auth',
    verdict: { kind: 'backend-refused', temporary: false, reply: { lines: ['NO x'] } },
    result: 'proxy_dest_auth_failed',
  },
  {
    class: 'auth-temp',
    verdict: { kind: 'backend-refused', temporary: true, reply: { lines: ['NO x'] } },
    result: 'proxy_dest_auth_temp_failed',
  },
]

test('each class has its verdict and its result', () => {
  for (const { class: failureClass, verdict, result } of verdicts) {
    const failure = new ProxyFailure(failureClass, 'x', { reply: { lines: ['NO x'] } })
    assert.deepEqual(failureVerdict(failure), verdict, failureClass)
    assert.equal(failureResult(failure), result, failureClass)
    assert.equal(isRefusal(failure), failureClass.startsWith('auth'), failureClass)
  }
})
