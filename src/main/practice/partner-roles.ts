/** What the partner says as a client and as a backend, protocol by protocol. Lines are without their ends. */
export interface Role {
  /** The client's commands; the first is sent after the greeting, each further one after the answer to the one before. */
  readonly client: readonly string[]
  /** The last line of each answer, the greeting's first. */
  readonly answered: readonly RegExp[]
  readonly greeting: string
  /** Empty is nothing. */
  answer(line: string): string
  /** A command after which the backend sends much. */
  readonly bulk: string
}

const PLAIN = Buffer.from('\0practice\0practice').toString('base64')
const BULK = 'x'.repeat(8 * 1024 * 1024)
const LOGGED_IN = 'IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT THREAD=REFERENCES MOVE UIDPLUS LITERAL+'
const SIEVE_READY = '"IMPLEMENTATION" "practice"\r\n"SASL" "PLAIN"\r\n"XCLIENT" ""\r\nOK "ready"'

export const ROLES: Readonly<Record<string, Role>> = {
  imap: {
    client: ['a LOGIN practice practice', 'b NOOP', 'c LOGOUT'],
    answered: [/^\* OK /, /^a OK/, /^b OK/, /^c OK/],
    greeting: '* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN] ready',
    answer: (line) => {
      const [tag = '', command = ''] = line.split(' ')
      if (command === 'LOGIN') return `${tag} OK [CAPABILITY ${LOGGED_IN}] Logged in`
      if (command === 'ID') return `* ID NIL\r\n${tag} OK done`
      if (command === 'FETCH') return `* 1 FETCH (BODY[] {${BULK.length}}\r\n${BULK})\r\n${tag} OK done`
      return command === 'LOGOUT' ? `* BYE out\r\n${tag} OK out` : `${tag} OK done`
    },
    bulk: 'b FETCH 1 BODY[]',
  },
  pop3: {
    client: ['USER practice', 'PASS practice', 'NOOP', 'QUIT'],
    answered: [/^\+OK/, /^\+OK/, /^\+OK/, /^\+OK/, /^\+OK/],
    greeting: '+OK [XCLIENT] ready',
    answer: (line) => (line.startsWith('RETR') ? `+OK\r\n${BULK}\r\n.\r\n+OK` : '+OK done'),
    bulk: 'RETR 1',
  },
  submission: {
    client: ['EHLO practice', `AUTH PLAIN ${PLAIN}`, 'NOOP', 'QUIT'],
    answered: [/^220 /, /^250 /, /^235 /, /^250 /, /^221 /],
    greeting: '220 ready',
    answer: (line) => {
      if (line.startsWith('EHLO'))
        return '250-ready\r\n250-AUTH PLAIN LOGIN\r\n250 XCLIENT HELO PROTO LOGIN TTL PORT ADDR SESSION FORWARD'
      if (line.startsWith('AUTH')) return '235 2.7.0 in'
      return line.startsWith('XCLIENT') ? '220 ready' : line === 'QUIT' ? '221 2.0.0 bye' : '250 done'
    },
    bulk: 'NOOP',
  },
  sieve: {
    client: [`AUTHENTICATE "PLAIN" "${PLAIN}"`, 'NOOP', 'LOGOUT'],
    answered: [/^OK/, /^OK/, /^OK/, /^OK/],
    greeting: SIEVE_READY,
    answer: (line) => (line.startsWith('GETSCRIPT') ? `{${BULK.length}}\r\n${BULK}\r\nOK` : 'OK "done"'),
    bulk: 'GETSCRIPT "main"',
  },
  lmtp: {
    client: [
      'LHLO practice',
      'MAIL FROM:<>',
      'RCPT TO:<practice@example.org>',
      'DATA',
      'Subject: practice\r\n\r\n.',
      'QUIT',
    ],
    answered: [/^220 /, /^250 /, /^250 /, /^250 /, /^354 /, /^250 /, /^221 /],
    greeting: '220 ready',
    answer: (line) => {
      const command = line.split(' ')[0] ?? ''
      if (command === 'LHLO') return '250-ready\r\n250-PIPELINING\r\n250 8BITMIME'
      if (command === 'DATA') return '354 go on'
      return command === 'QUIT' ? '221 2.0.0 bye' : LMTP_ANSWERED.has(command) ? '250 2.0.0 done' : ''
    },
    bulk: `Subject: practice\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(10_000)}.`,
  },
}

/** Other lines are a message's. */
const LMTP_ANSWERED: ReadonlySet<string> = new Set(['MAIL', 'RCPT', 'RSET', '.'])
