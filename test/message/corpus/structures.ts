import { type CorpusMessage, crlf, message } from './corpus-message.ts'

const MIXED = 'Content-Type: multipart/mixed; boundary=x\n\n'

/** MIME trees: right, odd and broken. Each comes with LF and with CRLF. */
const STRUCTURES: ReadonlyArray<readonly [why: string, text: string]> = [
  ['two parts', `${MIXED}--x\n\none\n--x\nContent-Type: text/html\n\ntwo\n--x--\n`],
  ['preamble and epilogue', `${MIXED}before\n--x\n\none\n--x--\nafter\nmore\n`],
  ['no final boundary', `${MIXED}--x\n\none\n--x\n\ntwo\n`],
  ['no final boundary, no newline', `${MIXED}--x\n\none\n--x\n\ntwo`],
  ['no final newline', `${MIXED}--x\n\none\n--x--`],
  ['ends in a boundary', `${MIXED}--x\n\none\n--x`],
  ['ends in half a boundary', `${MIXED}--x\n\none\n--`],
  ['ends in a dash', `${MIXED}--x\n\none\n-`],
  ['no part at all', `${MIXED}nothing here\n`],
  ['no body', `Content-Type: multipart/mixed; boundary=x\n`],
  ['empty body', MIXED],
  ['only the final boundary', `${MIXED}--x--\n`],
  ['only a boundary', `${MIXED}--x\n`],
  ['empty parts', `${MIXED}--x\n--x\n\n--x\n--x--\n`],
  ['parts without header', `${MIXED}--x\n\n\none\n\n--x\n\n\n--x--\n`],
  ['header ended by a boundary', `${MIXED}--x\nContent-Type: text/html\n--x\nContent-Type: text/html\nX: y\n--x--\n`],
  [
    'header of a multipart ended by a boundary',
    `${MIXED}--x\nContent-Type: multipart/mixed; boundary=y\n--x\n\none\n--x--\n`,
  ],
  ['header of a message ended by a boundary', `${MIXED}--x\nContent-Type: message/rfc822\n--x\n\none\n--x--\n`],
  [
    'header in a message ended by a boundary',
    `${MIXED}--x\nContent-Type: message/rfc822\n\nSubject: x\n--x\n\none\n--x--\n`,
  ],
  ['boundary behind spaces', `${MIXED} --x\n\none\n--x  \n\ntwo\n--x-- \n`],
  ['boundary with more behind', `${MIXED}--xyz\n\none\n--x--yz\n\ntwo\n`],
  ['three dashes', `${MIXED}---x\n--x\n\none\n--x---\n`],
  [
    'nested',
    `${MIXED}--x\nContent-Type: multipart/alternative; boundary=y\n\n--y\n\none\n--y\n\ntwo\n--y--\n\n--x\n\nthree\n--x--\n`,
  ],
  [
    'nested, inner not ended',
    `${MIXED}--x\nContent-Type: multipart/alternative; boundary=y\n\n--y\n\none\n--x\n\nthree\n--x--\n`,
  ],
  [
    'nested, same boundary',
    `${MIXED}--x\nContent-Type: multipart/alternative; boundary=x\n\n--x\n\none\n--x--\n\n--x\n\nthree\n--x--\n`,
  ],
  [
    'inner boundary begins with the outer',
    `${MIXED}--x\nContent-Type: multipart/alternative; boundary=xy\n\n--xy\n\none\n--xy--\n--x\n\nthree\n--x--\n`,
  ],
  [
    'outer boundary begins with the inner',
    `Content-Type: multipart/mixed; boundary=xy\n\n--xy\nContent-Type: multipart/alternative; boundary=x\n\n--x\n\none\n--x--\n--xy\n\nthree\n--xy--\n`,
  ],
  [
    'boundary that ends with dashes',
    `Content-Type: multipart/mixed; boundary="x--"\n\n--x--\n\none\n--x--\n\ntwo\n--x----\n`,
  ],
  [
    'inner boundary is the outer with dashes',
    `${MIXED}--x\nContent-Type: multipart/alternative; boundary="x--"\n\n--x--\n\none\n--x----\n--x\n\nthree\n--x--\n`,
  ],
  ['empty boundary', `Content-Type: multipart/mixed; boundary=""\n\n--\n\none\n--anything\n\ntwo\n----\n`],
  [
    'boundary of 70',
    `Content-Type: multipart/mixed; boundary=${'b'.repeat(70)}\n\n--${'b'.repeat(70)}\n\none\n--${'b'.repeat(70)}--\n`,
  ],
  [
    'boundary of 200',
    `Content-Type: multipart/mixed; boundary=${'b'.repeat(200)}\n\n--${'b'.repeat(200)}\n\none\n--${'b'.repeat(200)}--\n`,
  ],
  [
    'boundary of 200, line of 81',
    `Content-Type: multipart/mixed; boundary=${'b'.repeat(200)}\n\n--${'b'.repeat(81)}\n\none\n--${'b'.repeat(79)}--\n`,
  ],
  [
    'boundary with special characters',
    `Content-Type: multipart/mixed; boundary="a b'(c)+_,-./:=?"\n\n--a b'(c)+_,-./:=?\n\none\n--a b'(c)+_,-./:=?--\n`,
  ],
  ['boundary with escapes', `Content-Type: multipart/mixed; boundary="a\\"b"\n\n--a"b\n\none\n--a"b--\n`],
  ['boundary in pieces', `Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n\n--ab\n\none\n--ab--\n`],
  ['two boundaries', `Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--a\n\none\n--b\n\ntwo\n--a--\n`],
  ['two content types', `Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x--\n`],
  ['8-bit boundary', `Content-Type: multipart/mixed; boundary="\xe4"\n\n--\xe4\n\none\n--\xe4--\n`],
  [
    'digest',
    `Content-Type: multipart/digest; boundary=x\n\n--x\n\nSubject: one\n\nbody\n--x\nContent-Type: text/plain\n\ntext\n--x\nContent-Type: message/rfc822\n\nSubject: two\n\nbody\n--x--\n`,
  ],
  [
    'digest with headers of its own',
    `Content-Type: multipart/digest; boundary=x\n\n--x\nX-Own: 1\n\nSubject: one\n\nbody\n--x--\n`,
  ],
  [
    'digest in a digest',
    `Content-Type: multipart/digest; boundary=x\n\n--x\nContent-Type: multipart/digest; boundary=y\n\n--y\n\nSubject: one\n\nbody\n--y--\n--x--\n`,
  ],
  ['digest without boundary', `Content-Type: multipart/digest\n\nSubject: one\n\nbody\n`],
  ['message', 'Content-Type: message/rfc822\n\nFrom: joe@example.org\nSubject: in\n\nbody\n'],
  ['message without header', 'Content-Type: message/rfc822\n\n\nbody\n'],
  ['empty message', 'Content-Type: message/rfc822\n\n'],
  ['message that is not there', 'Content-Type: message/rfc822\n'],
  ['message in a message', 'Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: deep\n\nbody\n'],
  ['message with a multipart', `Content-Type: message/rfc822\n\nSubject: in\n${MIXED}--x\n\none\n--x--\nepilogue\n`],
  [
    'message in a multipart',
    `${MIXED}--x\nContent-Type: message/rfc822\n\nFrom: joe@example.org\nSubject: in\n\nbody\n--x--\n`,
  ],
  [
    'message with a multipart in a multipart',
    `${MIXED}--x\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\none\n--y\n\ntwo\n--y--\n--x--\n`,
  ],
  [
    'multipart in a message that ends early',
    `${MIXED}--x\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\none\n--x\n\ntwo\n--x--\n`,
  ],
  ['encoded message', 'Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA0KDQpib2R5\n'],
  [
    'attachment',
    `${MIXED}--x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nh=C3=A4\n--x\nContent-Type: application/pdf; name="a.pdf"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="a.pdf"\n\nJVBERi0xLjQK\n--x--\n`,
  ],
  [
    'related',
    `Content-Type: multipart/related; boundary=x; type="text/html"; start="<a@b>"\n\n--x\nContent-Type: text/html\nContent-ID: <a@b>\n\n<img src="cid:c@d">\n--x\nContent-Type: image/png\nContent-ID: <c@d>\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--x--\n`,
  ],
  [
    'report',
    `Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n\nfailed\n--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; example.org\n\nFinal-Recipient: rfc822; joe@example.org\n--x\nContent-Type: text/rfc822-headers\n\nSubject: x\n--x--\n`,
  ],
  [
    'signed',
    `Content-Type: multipart/signed; boundary=x; micalg=pgp-sha256; protocol="application/pgp-signature"\n\n--x\nContent-Type: text/plain\n\nsigned\n--x\nContent-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\n--x--\n`,
  ],
  ['blank lines before boundaries', `${MIXED}\n\n--x\n\n\n\none\n\n\n\n--x\n\n\n--x--\n\n\n`],
  ['body of one newline', `${MIXED}--x\n\n\n--x\n\n--x--\n`],
  [
    'boundary in the first line of the preamble',
    `Content-Type: multipart/mixed; boundary=x\n\n--x\nSubject: no\n\none\n--x--`,
  ],
  ['final boundary, then more parts', `${MIXED}--x\n\none\n--x--\n--x\n\ntwo\n--x--\n`],
  [
    'outer boundary in the epilogue',
    `${MIXED}--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\none\n--y--\nepilogue\n--x\n\ntwo\n--x--\nepilogue\n`,
  ],
  ['text with boundary', `Content-Type: text/plain; boundary=x\n\n--x\n\none\n--x--\n`],
  ['multipart without boundary', `Content-Type: multipart/mixed\n\n--x\n\none\n--x--\n`],
  ['broken type with boundary', `Content-Type: multipart/mixed (broken; boundary=x\n\n--x\n\none\n--x--\n`],
  ['header line without colon in a part', `${MIXED}--x\nno colon\nContent-Type: text/html\n\none\n--x--\n`],
  ['part with MIME fields of a message', `${MIXED}--x\nSubject: x\nMime-Version: 1.0\n\none\n--x--\n`],
  ['many empty lines at the end', `${MIXED}--x\n\none\n--x--\n${'\n'.repeat(20)}`],
]

/** Trees by hand, each with LF, CRLF and both mixed. */
export function structureMessages(): CorpusMessage[] {
  return STRUCTURES.flatMap(([why, text]) => [
    message(`${why} (LF)`, `Subject: ${why}\n${text}`),
    message(`${why} (CRLF)`, crlf(`Subject: ${why}\n${text}`)),
    message(`${why} (mixed)`, mixed(`Subject: ${why}\n${text}`)),
  ])
}

/** Every third line end as CRLF. */
function mixed(text: string): string {
  let line = 0
  return text.replace(/\n/g, () => (line++ % 3 === 0 ? '\r\n' : '\n'))
}

/** Deep and wide ones. */
export function deepMessages(): CorpusMessage[] {
  return [
    ...[5, 20, 97, 98, 99, 100, 101, 130].map((depth) => message(`${depth} multiparts deep`, multiparts(depth))),
    ...[5, 97, 98, 99, 100, 101, 130].map((depth) => message(`${depth} messages deep`, messages(depth))),
    message('300 parts', `${MIXED}${'--x\n\npart\n'.repeat(300)}--x--\n`),
    message('40 boundaries', wide(40)),
  ]
}

function multipart(depth: number, levels: number): string {
  if (depth === levels) return '\nthe bottom\n'
  const inner = multipart(depth + 1, levels)
  return `Content-Type: multipart/mixed; boundary=b${depth}-\n\n--b${depth}-\n${inner}--b${depth}---\n`
}

function multiparts(levels: number): string {
  return `Subject: deep\n${multipart(0, levels)}`
}

function messages(levels: number): string {
  return `${Array.from({ length: levels }, (_, at) => `Subject: level ${at}\nContent-Type: message/rfc822\n\n`).join('')}Subject: bottom\n\nbody\n`
}

function wide(count: number): string {
  const inner = Array.from(
    { length: count },
    (_, at) =>
      `--x\nContent-Type: multipart/alternative; boundary=y${at}\n\n--y${at}\n\none\n--y${at}\nContent-Type: text/html\n\ntwo\n--y${at}--\n`,
  )
  return `${MIXED}${inner.join('')}--x--\n`
}
