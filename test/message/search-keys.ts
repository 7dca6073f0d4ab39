import type { TextKey } from '../../src/storage/message/search-text.ts'

const WORDS = [
  'needle', 'NEEDLE', 'nee', 'haystack has', 'dle and need', 'Grüße', 'GRÜßE', 'GRÜSSE', 'grüße', 'gru', 'köln', 'KOLN', 'café', 'cafe', 'αβγ', 'ΑΒΓ', 'ёлка', 'Привет',
  'こんにちは', '€uro', '“quoted”', 'Heuhaufen', 'mit needle', 'needle-preamble', 'needle-header', 'needle-text', 'needle-name', 'needle-image', 'needle-inner-subject',
  'needle-inner', 'needle-epilogue', 'x-part: needle', 'X-Part', 'subject: needle', 'Subject: x', 'Jörg', 'aus Köln and', 'one two', 'two three', 'two   three',
  'needle one two', 'nädle', 'ǆ', 'fix', 'FIX', '½', 'Å', 'full', '한국어', 'ẞ', 'i̇stanbul', 'ıi', 'II', 'body', 'multipart', 'example.org>', 'text/plain; charset', '=', '\r\n', ' ', 'in subject\r\n\r\nthe',
  'colonless', 'us-ascii', 'hello', 'signature', 'x-long', 'attachment; filename', 'nul', 'one', 'boundary=x',
]
const HEADERS: ReadonlyArray<readonly [name: string, values: readonly string[]]> = [
  ['Subject', ['', 'needle', 'grüße', 'Grüße aus Köln and Привет', 'one two three four', 'one two   three', 'needle one two three', 'second', 'first', 'x', 'open =?', 'hello', 'address 1', ' ', 'a b']],
  ['From', ['', 'joe', 'joe user', '"Joe User" <joe@example.org>', 'Joe User <joe', 'Jörg', 'MISSING', 'SYNTAX_ERROR', 'example.org', 'Joe.User', 'jane', '<@']],
  ['To', ['', 'jane@example.org', 'Jane User', 'Jane User <jane', 'group:', 'group: bob', 'alice@example.org;', 'a "b"', 'a \\"b', '@r:e@f', 'h <g', 'undisclosed', ', ']],
  ['Cc', ['', 'undisclosed:;', 'undisclosed: ;', 'undisclosed', 'quoted local', '"quoted local"@example.org', 'bob']],
  ['Bcc', ['', 'one', 'MISSING_DOMAIN', 'two']],
  ['Reply-To', ['', 'broken', 'SYNTAX']],
  ['X-Address', ['', '"Joe User" ', '"Joe User"   <']],
  ['X-Test', ['', 'one two', 'one two   three', 'one two three', 'needle', 'three  four']],
  ['X-Twice', ['first', 'second', 'third']],
  ['X-Empty', ['', 'x']],
  ['X-Words', ['needle']],
  ['X-Nothing', ['', 'x']],
  ['Message-ID', ['', '<1@example.org>', '@EXAMPLE']],
  ['Content-Type', ['', 'multipart', 'BOUNDARY', 'charset=']],
  ['Sender', ['', 'jane']],
  ['Date', ['', '2024']],
]

/** Keys whose results are compared. */
export const SEARCH_KEYS: readonly TextKey[] = [
  ...WORDS.flatMap((value): TextKey[] => [
    { kind: 'text', value },
    { kind: 'body', value },
  ]),
  ...HEADERS.flatMap(([name, values]) => values.map((value): TextKey => ({ kind: 'header', name, value }))),
  ...HEADERS.filter(([name]) => ['From', 'To', 'Cc', 'Bcc'].includes(name)).flatMap(([name, values]) =>
    values.map((value): TextKey => ({ kind: 'addresses', name, value })),
  ),
  ...HEADERS.filter(([name]) => name === 'Subject').flatMap(([, values]) =>
    values.map((value): TextKey => ({ kind: 'subject', value })),
  ),
]

/** A key as SEARCH says it, one byte a character, with a literal that needs no waiting. RFC 7888. */
export function searchCommand(key: TextKey): string {
  const value = Buffer.from(key.value, 'utf8').toString('latin1')
  const literal = `{${value.length}+}\r\n${value}`
  const { kind } = key
  if (kind === 'header') return `HEADER ${key.name} ${literal}`
  return `${(kind === 'addresses' ? key.name : kind).toUpperCase()} ${literal}`
}
