import { type CorpusMessage, crlf, message, utf8 } from './corpus-message.ts'

const base64 = (text: string): string =>
  Buffer.from(text, 'latin1')
    .toString('base64')
    .replace(/(.{60})/g, '$1\n')

/** Bodies and fields in charsets and encodings, for SEARCH. */
const TEXTS: ReadonlyArray<readonly [why: string, text: string]> = [
  ['plain', 'Subject: needle in subject\n\nthe haystack has a Needle here\n'],
  ['upper case', 'Subject: NEEDLE IN SUBJECT\n\nTHE HAYSTACK HAS A NEEDLE HERE\n'],
  ['needle over two lines', 'Subject: x\n\nnee\ndle and need\r\nle\n'],
  ['UTF-8', utf8('Content-Type: text/plain; charset=utf-8\nSubject: x\n\nGrüße aus Köln, ΑΒΓ αβγ, Ёлка\n')],
  ['UTF-8 upper case', utf8('Content-Type: text/plain; charset=utf-8\n\nGRÜSSE AUS KÖLN, GRÜßE\n')],
  ['UTF-8 without charset', utf8('Subject: Grüße\n\nGrüße\n')],
  ['UTF-8 decomposed', utf8('Content-Type: text/plain; charset=utf-8\n\nGru\u0308\u00dfe\n')],
  ['UTF-8 broken', 'Content-Type: text/plain; charset=utf-8\n\nGr\xfc\xdfe caf\xc3\n'],
  ['Latin-1', 'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\nGr\xfc\xdfe caf\xe9\n'],
  [
    'Latin-1 in quoted-printable',
    'Content-Type: text/plain; charset=ISO-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe aus dem Heu=\nhaufen mit nee=64le   \nund =zz kaputt=\n',
  ],
  [
    'Latin-1 in base64',
    `Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\n${base64('Gr\xfc\xdfe, a needle in a long line of text that is broken by base64 in the midst of a needle\n')}\n`,
  ],
  ['Windows-1252', 'Content-Type: text/plain; charset=windows-1252\n\n\x80uro Gr\xfc\xdfe \x93quoted\x94\n'],
  ['KOI8-R', 'Content-Type: text/plain; charset=koi8-r\n\n\xf0\xd2\xc9\xd7\xc5\xd4\n'],
  ['ISO-2022-JP', 'Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B$3$s$K$A$O\x1b(B\n'],
  ['Shift_JIS', 'Content-Type: text/plain; charset=shift_jis\n\n\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd\n'],
  [
    'UTF-16',
    `Content-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\n${base64(Buffer.from('needle Grüße', 'utf16le').toString('latin1'))}\n`,
  ],
  ['UTF-7', 'Content-Type: text/plain; charset=utf-7\n\nGr+APwA3w-e\n'],
  ['unknown charset', utf8('Content-Type: text/plain; charset=x-unknown\n\nneedle Grüße\n')],
  ['unknown encoding', 'Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n\nneedle\n'],
  ['broken base64', 'Content-Transfer-Encoding: base64\nMime-Version: 1.0\n\nbmVlZGxl!bmVlZGxl\nbmVlZGxl\n'],
  ['base64 with padding inside', 'Content-Transfer-Encoding: base64\nMime-Version: 1.0\n\nbmVl\nZA==\nbmVlZGxl\n'],
  ['binary attachment', 'Content-Type: application/octet-stream\n\nneedle\n'],
  ['HTML', 'Content-Type: text/html\n\n<p>a <b>nee</b>dle, a needle, N&auml;dle</p>\n'],
  [
    'parts',
    'Content-Type: multipart/mixed; boundary=x\n\nneedle-preamble\n--x\nContent-Type: text/plain\nX-Part: needle-header\n\nneedle-text\n--x\nContent-Type: image/png; name=needle-name\n\nneedle-image\n--x\nContent-Type: message/rfc822\n\nSubject: needle-inner-subject\nFrom: needle-inner@example.org\n\nneedle-inner\n--x--\nneedle-epilogue\n',
  ],
  ['needle over parts', 'Content-Type: multipart/mixed; boundary=x\n\n--x\n\nnee\n--x\n\ndle\n--x--\n'],
  [
    'encoded words',
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?q?_aus_K=F6ln?= and =?utf-8?b?0J/RgNC40LLQtdGC?=\nFrom: =?utf-8?q?J=C3=B6rg?= <joe@example.org>\nX-Words: =?us-ascii*en?q?needle?=\n\nx\n',
  ],
  [
    'encoded words, broken',
    'Subject: =?utf-8?q?open =?x?b?bmVlZGxl?= =?utf-8?z?x?= =?unknown?q?needle?= =?utf-8?q?a=zz_b=?=\n\nx\n',
  ],
  ['encoded words, split character', 'Subject: =?utf-8?q?Gr=C3?= =?utf-8?q?=BC=C3=9Fe?=\n\nx\n'],
  ['encoded words, folded', 'Subject: =?utf-8?q?nee?=\n =?utf-8?q?dle?= one\n two\tthree\n\nx\n'],
  ['8-bit subject', 'Subject: Gr\xfc\xdfe needle\n\nx\n'],
  ['folded', 'Subject: one\n\ttwo   three\n  four needle\nX-Test: one\n\ttwo   three\n  four\n\nx\n'],
  [
    'addresses',
    'From: "Joe User" <joe@example.org>\nTo: jane@example.org (Jane User), group: bob@example.org, alice@example.org;\nCc: undisclosed:;\nReply-To: broken <\nX-Address: "Joe User"   <joe@example.org>\n\nx\n',
  ],
  [
    'addresses, special',
    'From: Joe.User <joe@example.org>\nTo: "a \\"b\\"" <c@d>, <@r:e@f>, g (h)\nCc: "quoted local"@example.org\nBcc: one, two\n\nx\n',
  ],
  ['fields twice', 'X-Twice: first\nX-Twice: second\nX-Empty:\nSubject: first subject\nSubject: second subject\n\nx\n'],
  ['header in the body', 'Subject: x\n\nX-Test: needle-body\n'],
  ['header without colon', 'needle-colonless\nSubject: x\n\nx\n'],
  ['message', 'Content-Type: message/rfc822\n\nX-Test: needle-inner\nSubject: needle inner\n\nneedle-inner-body\n'],
  ['empty', 'Subject:\n\n'],
  [
    'letters of every kind',
    utf8('Content-Type: text/plain; charset=utf-8\n\n\u01c6 ﬁx ½ Å Ⅳ ｆｕｌｌ 한국어 ﷺ ა ᲀ ẞ İstanbul ıi ŉ\n'),
  ],
  ['text type without subtype', 'Content-Type: text\n\nneedle\n'],
  ['broken type', 'Content-Type: text/\n\nneedle\n'],
  ['charset in quotes', 'Content-Type: text/plain; charset="iso-8859-1"\n\ncaf\xe9\n'],
  [
    'two charsets',
    'Content-Type: text/plain; charset=iso-8859-1\nContent-Type: text/plain; charset=utf-8\n\ncaf\xe9\n',
  ],
  ['NUL', 'Subject: nee\0dle\n\nnee\0dle needle\n'],
]

/** Those texts, with LF and CRLF. */
export function textMessages(): CorpusMessage[] {
  return TEXTS.flatMap(([why, text]) => [
    message(`text: ${why}`, text),
    message(`text: ${why} (CRLF)`, crlf(text.replaceAll('\r\n', '\n'))),
  ])
}
