import { protocolLoginSuite } from '../../../test/suites/protocol-login.ts'
import { pop3 } from './index.ts'

protocolLoginSuite({
  protocol: pop3,
  greetingEnd: /^\+OK /,
  noop: ['PASS secret', '-ERR No username given.'],
  startTls: { command: 'STLS', reply: '+OK Begin TLS negotiation now.' },
  authenticate: (mechanism, initial) => (initial === undefined ? `AUTH ${mechanism}` : `AUTH ${mechanism} ${initial}`),
  challenge: (base64) => `+ ${base64}`,
  response: (base64) => base64,
  replies: {
    failed: '-ERR [AUTH] Authentication failed.',
    aborted: '-ERR Authentication aborted by client.',
    badCharacters: '-ERR [AUTH] Invalid base64 in response',
    badPadding: '-ERR [AUTH] Invalid base64 data in continued response',
    invalidInitial: '-ERR [AUTH] Invalid base64 data in initial response',
    loggedIn: '+OK Logged in.',
  },
  backendReplies: { ok: '+OK in', no: '-ERR [AUTH] no', noToClient: '-ERR [AUTH] no' },
  answerLine: /^\+OK|^-ERR |^\+ [A-Za-z0-9+/=]*$|^[A-Z0-9 -]+$|^\.$/,
  hostile: {
    client: [
      'USER ',
      'PASS ',
      'AUTH ',
      'AUTH PLAIN ',
      'APOP ',
      'XCLIENT ',
      'XOIP ',
      'CAPA',
      'STLS',
      'QUIT',
      '=',
      'ADDR=',
    ],
    backend: ['+OK', '+OK [XCLIENT]', '-ERR ', '-ERR [SYS/TEMP] ', '+ ', '+'],
  },
  backendLogin: ['B: +OK backend', 'P: USER t1', 'B: +OK', 'P: PASS secret', 'B: +OK in'],
  backendStartTls: {
    before: ['B: +OK backend', 'P: STLS'],
    ok: '+OK go',
    injected: ['+OK', '+OK evil'],
    after: ['P: USER t1', 'B: +OK', 'P: PASS secret', 'B: +OK in'],
  },
  goodbyes: {
    idle: '-ERR Disconnected for inactivity.',
    'idle-during-auth': '-ERR Disconnected for inactivity during authentication.',
    'login-timeout': '-ERR Timeout while finishing login.',
    'shutting-down': '-ERR Server shutting down.',
    'too-many-connections': '-ERR Connection queue full',
  },
})
