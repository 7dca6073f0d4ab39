import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { startDovecot, imapListeners } from '../../../test/peers/dovecot.ts'
import { skipWithout } from '../../../test/peers/peers.ts'
import { makeCertificate } from '../../../test/support/certificates.ts'
import { Peer, play, streamAndPeer, testLoginIo } from '../../../test/support/protocol-session.ts'
import { InvalidBase64, SaslAborted } from '../../sasl/mechanism.ts'
import type { AuthRefusal } from '../../auth/auth.ts'
import type { Credentials } from '../protocol.ts'
import { login } from './login.ts'

const HINT =
  "BAD First parameter in line is IMAP's command tag, not the command name. Add that before the command, like: a login user pass"
const BAD = 'BAD Error in IMAP command received by server.'
const FAILED = 'NO [AUTHENTICATIONFAILED] Authentication failed.'
const LISTED = 'OK Pre-login capabilities listed, post-login capabilities have more.'
const CAPABILITY = 'IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN AUTH=LOGIN'

const DIALOGUES: readonly (readonly [why: string, script: readonly string[]])[] = [
  ['CAPABILITY', ['C: a CAPABILITY', `S: * CAPABILITY ${CAPABILITY}`, `S: a ${LISTED}`]],
  ['NOOP', ['C: a noop', 'S: a OK NOOP completed.', 'C: b NOOP ', 'S: b OK NOOP completed.']],
  ['arguments that nobody asked for', ['C: a NOOP x (y) "z"', 'S: a OK NOOP completed.']],
  ['a literal that nobody asked for', ['C: a NOOP {3}', 'S: + OK', 'C: abc', 'S: a OK NOOP completed.']],
  ['ENABLE', ['C: a ENABLE CONDSTORE', 'S: * ENABLED', 'S: a OK ENABLE ignored in non-authenticated state.']],
  ['ID', ['C: a ID NIL', 'S: * ID ("name" "Dovecot")', 'S: a OK ID completed.']],
  ['ID without arguments', ['C: a ID', 'S: * ID ("name" "Dovecot")', 'S: a OK ID completed.']],
  ['ID that is no ID', ['C: a ID foo', 'S: a BAD Invalid ID parameters']],
  ['LOGIN, wrong password', ['C: a LOGIN joe pass', `S: a ${FAILED}`, 'C: b NOOP', 'S: b OK NOOP completed.']],
  ['LOGIN with quoted strings', ['C: a login "joe" "pass"', `S: a ${FAILED}`]],
  ['LOGIN with literals', ['C: a LOGIN {3}', 'S: + OK', 'C: joe {4}', 'S: + OK', 'C: pass', `S: a ${FAILED}`]],
  ['LOGIN with LITERAL+', ['C: a LOGIN {3+}', 'C: joe {4+}', 'C: pass', `S: a ${FAILED}`]],
  ['LOGIN with too few arguments', ['C: a LOGIN joe', `S: a ${BAD}`]],
  ['LOGIN with too many arguments', ['C: a LOGIN joe x y', `S: a ${BAD}`]],
  ['LOGIN with a list', ['C: a LOGIN (joe) x', `S: a ${BAD}`]],
  ['LOGIN without a tag', ['C: LOGIN joe pass', `S: LOGIN ${HINT}`]],
  ['LOGIN alone on its line', ['C: login', `S: login ${BAD}`]],
  ['an empty line', ['C: ', `S: * ${BAD}`]],
  ['a tag and nothing else', ['C: a', `S: a ${BAD}`]],
  ['two blanks behind the tag', ['C: a  NOOP', `S: a ${BAD}`]],
  ['a tag that must not be echoed', ['C: GET%20/ HTTP/1.1', `S: * ${BAD}`]],
  ['a command for later', ['C: a SELECT INBOX', `S: a ${BAD}`]],
  ['an unknown command with a literal', ['C: a FOO {3}', 'S: + OK', 'C: abc', `S: a ${BAD}`]],
  ['an 8-bit command', ['C: a NO\xe9P', `S: a ${BAD}`]],
  ['a NUL in the command', ['C: a NO\0OP', `S: a ${BAD}`]],
  ['CR in the middle', ['C: a NOOP\rb NOOP', 'S: a BAD CR sent without LF', 'C: c NOOP', 'S: c OK NOOP completed.']],
  ['AUTHENTICATE', ['C: a AUTHENTICATE PLAIN', 'S: + ', 'C: AGpvZQBiYWQ=', `S: a ${FAILED}`]],
  ['an empty response', ['C: a AUTHENTICATE PLAIN', 'S: + ', 'C: ', `S: a ${FAILED}`]],
  ['giving up', ['C: a AUTHENTICATE PLAIN', 'S: + ', 'C: *', 'S: a BAD Authentication aborted by client.']],
  [
    'a response that is none',
    ['C: a AUTHENTICATE PLAIN', 'S: + ', 'C: !', 'S: a NO [ALERT] Invalid base64 in response'],
  ],
  [
    'a response cut short',
    ['C: a AUTHENTICATE PLAIN', 'S: + ', 'C: =', 'S: a BAD Invalid base64 data in continued response'],
  ],
  ['giving up, nearly', ['C: a AUTHENTICATE PLAIN', 'S: + ', 'C: * ', 'S: a NO [ALERT] Invalid base64 in response']],
  ['an empty initial response', ['C: a AUTHENTICATE PLAIN =', `S: a ${FAILED}`]],
  ['a quoted mechanism', ['C: a AUTHENTICATE "PLAIN"', 'S: a NO [ALERT] Unsupported authentication mechanism.']],
  ['an unknown mechanism', ['C: a AUTHENTICATE FOO !', 'S: a NO [ALERT] Unsupported authentication mechanism.']],
  ['AUTHENTICATE without a mechanism', ['C: a AUTHENTICATE', `S: a ${BAD}`]],
  ['AUTHENTICATE with two blanks', ['C: a AUTHENTICATE  PLAIN', `S: a ${BAD}`]],
  ['an initial response', ['C: a AUTHENTICATE plain AGpvZQBiYWQ=', `S: a ${FAILED}`]],
  [
    'an initial response that is none',
    ['C: a AUTHENTICATE PLAIN x', 'S: a BAD Invalid base64 data in initial response'],
  ],
  ['* as an initial response', ['C: a AUTHENTICATE PLAIN *', 'S: a BAD Invalid base64 data in initial response']],
  [
    'ID with a literal',
    ['C: a ID ("name" {3}', 'S: + OK', 'C: abc)', 'S: * ID ("name" "Dovecot")', 'S: a OK ID completed.'],
  ],
  ['ID, a key of 31 bytes', [`C: a ID ("${'k'.repeat(31)}" "v")`, 'S: a BAD Invalid ID parameters']],
  ['ID, half a list', ['C: a ID ("a" "b"', "S: a BAD Missing ')'"]],
  ['a literal of NUL bytes', ['C: a LOGIN {1+}', 'C: \0 x', `S: a ${FAILED}`]],
  ['an 8-bit user', ['C: a LOGIN "j\xe9" x', `S: a ${FAILED}`]],
  ['an 8-bit atom', ['C: a LOGIN j\xe9 x', 'S: a BAD 8bit data in atom']],
  ['NUL in quotes', ['C: a LOGIN "j\0e" x', 'S: a BAD NULs not allowed in strings']],
  ['an open quote', ['C: a LOGIN "joe', "S: a BAD Missing '\"'", 'C: b NOOP', 'S: b OK NOOP completed.']],
  ['a parenthesis in a name', ['C: a LOGIN jo(e x', 'S: a BAD Invalid characters in atom']],
  ['a literal8', ['C: a LOGIN ~{3+}', 'S: a BAD literal8 not allowed here']],
  ['a literal size that is none', ['C: a LOGIN {-1}', 'S: a BAD Invalid literal size']],
  ['lists', ['C: a NOOP (x) (y)', "S: a BAD Too many '('", 'C: b NOOP )', "S: b BAD Unexpected ')'"]],
  ['too large a literal', ['C: a LOGIN {8192}', 'S: * BYE Literal size too large', 'S: EOF']],
  ['LOGOUT', ['C: a LOGOUT', 'S: * BYE Logging out', 'S: a OK Logout completed.', 'S: EOF']],
  [
    'three in a row',
    ['C: a FOO', `S: a ${BAD}`, 'C: b', `S: b ${BAD}`, 'C: c', 'S: * BYE Too many invalid IMAP commands.', 'S: EOF'],
  ],
  ['the longest tag', [`C: ${'t'.repeat(126)} NOOP`, `S: ${'t'.repeat(126)} OK NOOP completed.`]],
  ['a longer tag', [`C: ${'t'.repeat(127)} NOOP`, `S: * ${BAD}`]],
  ['a line ended by LF alone', ['C> a NOOP\n', 'S: a OK NOOP completed.']],
  [
    'pipelined behind a failed login',
    ['C> a LOGIN joe bad\r\nb NOOP\r\n', `S: a ${FAILED}`, 'S: b OK NOOP completed.'],
  ],
]

test('strangers are answered in the words of Dovecot', async () => {
  for (const [why, script] of DIALOGUES) {
    const { stream, peer } = streamAndPeer()
    const io = testLoginIo(stream, {
      attempt: async (credentials) => ({ kind: 'refused', why: await refuse(credentials) }),
    })
    void login(io).then(() => stream.close())
    await peer.line()
    await assert.doesNotReject(play(peer, script), why)
    stream.destroy()
  }
})

test('Dovecot itself answers the same dialogues so', { skip: skipWithout('dovecot') }, async (t) => {
  const { key, cert } = await makeCertificate()
  const dovecot = await startDovecot(({ dir, port }) => {
    writeFileSync(join(dir, 'cert.pem'), cert)
    writeFileSync(join(dir, 'key.pem'), key)
    return `protocols = imap
ssl = yes
ssl_cert = <${dir}/cert.pem
ssl_key = <${dir}/key.pem
login_greeting = Dovecot ready.
auth_mechanisms = plain login
passdb {
  driver = static
  args = password=other
}
service imap-login {
  service_count = 0
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${dir}
}
${imapListeners(port)}`
  })
  t.after(() => dovecot.stop())
  await Promise.all(
    DIALOGUES.map(async ([why, script]) => {
      const socket = connect({ host: '127.0.0.1', port: dovecot.ports['imap'] ?? 0 })
      await once(socket, 'connect')
      const peer = new Peer(socket)
      assert.equal(await peer.line(), `* OK [CAPABILITY ${CAPABILITY}] Dovecot ready.`)
      await assert.doesNotReject(play(peer, script), why)
      socket.destroy()
    }),
  )
})

/** The auth service's part: everybody is refused, after the exchange that the mechanism asks for. */
async function refuse(credentials: Credentials): Promise<AuthRefusal> {
  if (!['PLAIN', 'LOGIN'].includes(credentials.mechanism.toUpperCase())) return { kind: 'unsupported-mechanism' }
  try {
    if (credentials.initial === undefined) await credentials.challenge(Buffer.alloc(0))
    return { kind: 'failed' }
  } catch (error) {
    if (error instanceof InvalidBase64) return { kind: 'invalid-base64', initial: false }
    assert.ok(error instanceof SaslAborted)
    return { kind: 'aborted' }
  }
}
