import { protocolLoginSuite } from '../../../test/suites/protocol-login.ts'
import { submission } from './index.ts'

const HELLO = ['B: 250-backend', 'B: 250 AUTH PLAIN']

protocolLoginSuite({
  protocol: submission,
  greetingEnd: /^220 /,
  noop: ['NOOP', '250 2.0.0 OK'],
  startTls: { command: 'STARTTLS', reply: '220 2.0.0 Begin TLS negotiation now.' },
  authenticate: (mechanism, initial) => (initial === undefined ? `AUTH ${mechanism}` : `AUTH ${mechanism} ${initial}`),
  challenge: (base64) => `334 ${base64}`,
  response: (base64) => base64,
  replies: {
    failed: '535 5.7.8 Authentication failed.',
    aborted: '501 5.5.2 Authentication aborted by client.',
    badCharacters: '535 5.7.8 Invalid base64 in response',
    badPadding: '501 5.5.2 Invalid base64 data in continued response',
    invalidInitial: '501 5.5.2 Invalid base64 data in initial response',
    loggedIn: '235 2.7.0 Logged in.',
  },
  backendReplies: { ok: '235 2.7.0 in', no: '535 5.7.8 no', noToClient: '535 5.7.8 no' },
  answerLine: /^[2-5]\d\d[ -]/,
  hostile: {
    client: [
      'EHLO ',
      'HELO ',
      'AUTH PLAIN ',
      'AUTH ',
      'XCLIENT ',
      'STARTTLS',
      'MAIL FROM:<',
      'NOOP ',
      '=',
      'HELO=',
      '+',
    ],
    backend: [
      '220 x',
      '250-',
      '250 ',
      '334 ',
      '235 ',
      '454 ',
      '421 ',
      '535',
      '-',
      '250 AUTH PLAIN',
      '250-XCLIENT ADDR',
    ],
  },
  backendLogin: [
    'B: 220 backend',
    'P: EHLO mail.example.org',
    ...HELLO,
    'P: AUTH PLAIN dDEAdDEAc2VjcmV0',
    'B: 235 2.7.0 in',
  ],
  backendStartTls: {
    before: ['B: 220 backend', 'P: EHLO mail.example.org', 'B: 250-backend', 'B: 250 STARTTLS', 'P: STARTTLS'],
    ok: '220 go',
    injected: ['250-evil', '250 AUTH PLAIN', '235 evil'],
    after: ['P: EHLO mail.example.org', ...HELLO, 'P: AUTH PLAIN dDEAdDEAc2VjcmV0', 'B: 235 2.7.0 in'],
  },
  goodbyes: {
    idle: '421 4.4.2 mail.example.org Disconnected for inactivity.',
    'idle-during-auth': '421 4.4.2 mail.example.org Disconnected for inactivity during authentication.',
    'login-timeout': '421 4.4.2 mail.example.org Timeout while finishing login.',
    'shutting-down': '421 4.3.2 mail.example.org Shutting down',
    'too-many-connections': '421 4.3.2 mail.example.org Connection queue full',
  },
})
