import { type CorpusMessage, crlf, Dice, message, utf8 } from './corpus-message.ts'

const SUBJECTS = [
  'hello',
  'Re: hello',
  'Fwd: [list] hello',
  '=?utf-8?q?gr=C3=BC=C3=9Fe?=',
  utf8('grüße'),
  '   spaced   ',
  '',
  '"quoted"',
]
const PEOPLE = [
  'joe@example.org',
  'Joe User <joe@example.org>',
  '"Jane, U." <jane@example.org>',
  'bob@example.org (Bob)',
  'friends: alice@example.org, bob@example.org;',
  'broken <',
  utf8('Jörg <joe@example.org>'),
]
const DATES = ['Sat, 13 Jan 2024 10:20:30 +0100', '13 Jan 2024 10:20 EST', 'Mon, 1 Jan 2001 00:00:00 -0000', 'no date']
const BODIES = [
  'short\n',
  'two\nlines\n',
  '',
  '\n',
  'no newline',
  'one\r\ntwo\nthree\r',
  '--not a boundary\n',
  '-- \nsignature\n',
  '\0\n',
  '\xff\xfe\n',
  'x'.repeat(200) + '\n',
]
const TYPES = [
  'text/plain',
  'text/plain; charset=utf-8',
  'text/html; charset="iso-8859-1"',
  'application/octet-stream; name=x.bin',
  'image/png',
  'message/delivery-status',
  'text',
  'nonsense',
  "text/plain; name*=utf-8''%41",
]
const EXTRAS = [
  '',
  'Content-Transfer-Encoding: base64\n',
  'Content-Transfer-Encoding: quoted-printable\n',
  'Content-Disposition: attachment; filename="a b"\n',
  'Content-ID: <x@y>\nContent-Description: words\n',
  'Content-Language: en, de\n',
  'X-Long: a\n b\n c\n',
  'no colon\n',
]
const SUBTYPES = ['mixed', 'alternative', 'related', 'digest', 'signed', 'x-odd']
const BOUNDARIES = ['x', 'xx', 'x-', 'x--', 'xy', '=_b', 'b', 'bb']

/** Messages put together at random from good and bad pieces: trees that nest, and now and then lose a piece. */
export function generatedMessages(count: number): CorpusMessage[] {
  return Array.from({ length: count }, (_, seed) => {
    const dice = new Dice(seed + 1)
    const text = `${header(dice)}${entity(dice, 0)}`
    return message(`generated ${seed}`, dice.roll(3) === 0 ? crlf(text.replaceAll('\r\n', '\n')) : text)
  })
}

function header(dice: Dice): string {
  const fields = [
    `Subject: ${dice.pick(SUBJECTS)}`,
    `From: ${dice.pick(PEOPLE)}`,
    `To: ${dice.pick(PEOPLE)}, ${dice.pick(PEOPLE)}`,
    `Date: ${dice.pick(DATES)}`,
    `Message-ID: <${dice.roll(1000)}@example.org>`,
    'Mime-Version: 1.0',
  ]
  return fields
    .filter(() => dice.roll(8) !== 0)
    .map((field) => `${field}\n`)
    .join('')
}

function entity(dice: Dice, depth: number): string {
  const kind = dice.roll(10)
  if (depth < 5 && kind < 5 - Math.min(depth, 3)) return multipart(dice, depth)
  if (depth < 5 && kind === 7)
    return `Content-Type: message/rfc822\n${dice.pick(EXTRAS)}\n${header(dice)}${entity(dice, depth + 1)}`
  const type = dice.roll(4) === 0 ? '' : `Content-Type: ${dice.pick(TYPES)}\n`
  return `${type}${dice.pick(EXTRAS)}${dice.roll(12) === 0 ? '' : '\n'}${dice.pick(BODIES)}`
}

function multipart(dice: Dice, depth: number): string {
  const boundary = dice.pick(BOUNDARIES)
  const parts = Array.from(
    { length: dice.roll(4) },
    () => `--${boundary}${dice.roll(9) === 0 ? ' ' : ''}\n${entity(dice, depth + 1)}${dice.roll(7) === 0 ? '' : '\n'}`,
  )
  const head = `Content-Type: multipart/${dice.pick(SUBTYPES)}; boundary="${boundary}"\n${dice.pick(EXTRAS)}`
  const preamble = dice.roll(3) === 0 ? dice.pick(BODIES) : ''
  const end = dice.roll(6) === 0 ? '' : `--${boundary}--${dice.roll(5) === 0 ? 'x' : ''}\n`
  return `${head}${dice.roll(15) === 0 ? '' : '\n'}${preamble}${parts.join('')}${end}${dice.roll(3) === 0 ? dice.pick(BODIES) : ''}`
}
