import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A message as a file of a Maildir. */
export interface FixtureMessage {
  /** Lines end with LF. */
  readonly text: string
  /** Letters of the Maildir: `DFRST`. */
  readonly flags?: string
  /** Seconds since 1970, when it was received. */
  readonly received?: number
  /** In new/: nobody saw it yet. */
  readonly fresh?: true
}

/** Sets of messages that transcripts name: `mailbox: INBOX three`. */
export const FIXTURES: ReadonlyMap<string, readonly FixtureMessage[]> = new Map([
  ['empty', []],
  ['one', [plain(1, { flags: '' })]],
  ['three', [plain(1, { flags: 'S' }), plain(2, { flags: '' }), plain(3, { flags: 'FRS' })]],
  ['fresh', [plain(1, { flags: 'S' }), plain(2, { fresh: true }), plain(3, { fresh: true })]],
  ['ten', Array.from({ length: 10 }, (_, i) => plain(i + 1, { flags: i % 3 === 0 ? 'S' : '' }))],
  ['twenty-five', Array.from({ length: 25 }, (_, i) => plain(i + 1, { flags: '' }))],
  ['deleted', [plain(1, { flags: 'S' }), plain(2, { flags: 'T' }), plain(3, { flags: 'ST' }), plain(4, { flags: '' })]],
  ['parts', [multipart(), forwarded(), plain(3, { flags: '' })]],
  ['words', words()],
  ['large', [{ text: large(), flags: 'S', received: BASE() }]],
])

/** Writes a mailbox of a Maildir++ tree; `name` has levels joined with `/`. */
export function writeMaildir(root: string, name: string, messages: readonly FixtureMessage[]): void {
  const dir = name === 'INBOX' ? root : join(root, `.${name.replaceAll('/', '.')}`)
  for (const sub of ['cur', 'new', 'tmp']) mkdirSync(join(dir, sub), { recursive: true })
  if (name !== 'INBOX') writeFileSync(join(dir, 'maildirfolder'), '')
  for (const [index, { text, flags = '', received = BASE() + index * 3600, fresh }] of messages.entries()) {
    const lines = text.split('\n').length - 1
    const base = `${received}.M${index}P1.host,S=${text.length},W=${text.length + lines}`
    const file = join(dir, fresh ? 'new' : 'cur', fresh ? base : `${base}:2,${flags}`)
    writeFileSync(file, text, 'latin1')
    utimesSync(file, received, received)
  }
}

/** 1 Feb 2020, 10:11:12 UTC. */
function BASE(): number {
  return 1_580_551_872
}

function plain(number: number, facts: Partial<FixtureMessage>): FixtureMessage {
  const text = `From: Joe <joe@example.org>
To: jane@example.org
Date: Sat, ${String(number).padStart(2, '0')} Feb 2020 10:11:12 +0100
Subject: message ${number}
Message-ID: <m${number}@example.org>

This is message ${number}.
Its second line.
`
  return { text, ...facts }
}

function multipart(): FixtureMessage {
  return {
    text: `From: joe@example.org
To: jane@example.org, Bob <bob@example.org>
Subject: =?utf-8?q?caf=C3=A9?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b1"

preamble
--b1
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

caf=C3=A9 and tea
--b1
Content-Type: multipart/alternative; boundary=b2

--b2
Content-Type: text/plain

two one
--b2
Content-Type: text/html

<p>two two</p>
--b2--
--b1
Content-Type: application/octet-stream; name="data.bin"
Content-Disposition: attachment; filename="data.bin"
Content-Transfer-Encoding: base64

AAECAwQ=
--b1--
epilogue
`,
  }
}

function forwarded(): FixtureMessage {
  return {
    text: `From: jane@example.org
To: joe@example.org
Subject: Fwd
Content-Type: multipart/digest; boundary=d

--d

From: bob@example.org
Subject: inner one

first inner
--d
Content-Type: message/rfc822

From: alice@example.org
Subject: inner two
Content-Type: multipart/mixed; boundary=e

--e
Content-Type: text/plain

deep text
--e--
--d--
`,
  }
}

function words(): FixtureMessage[] {
  const texts: readonly (readonly [from: string, subject: string, body: string, flags: string])[] = [
    ['alice@example.org', 'apples and pears', 'An apple a day.', 'S'],
    ['bob@example.org', '=?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=', 'Plain words here.', 'F'],
    ['carol <CAROL@EXAMPLE.ORG>', 'Re: apples', 'More about APPLES, less about pears.', 'RS'],
    ['dan@example.net', 'invoice 2020', 'Please pay 100 EUR.', ''],
    ['"Eve, the last" <eve@example.net>', 'nothing', 'end', 'T'],
  ]
  return texts.map(([from, subject, body, flags], index) => ({
    text: `From: ${from}\nTo: team@example.org\nCc: boss@example.org\nDate: ${index + 1} Mar 2020 23:30:00 -0800\nSubject: ${subject}\nX-Number: ${index}\n\n${body}\n${'filler line\n'.repeat(index * 40)}`,
    flags,
    received: BASE() + index * 86_400,
  }))
}

function large(): string {
  return `From: joe@example.org\nSubject: large\n\n${'0123456789012345678901234567890123456789012345678901234567890123456789\n'.repeat(2000)}`
}
