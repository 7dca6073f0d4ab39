import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTranscript } from './parse.ts'
import { expand, mismatch, type Values } from './placeholders.ts'

test('a transcript is read line by line, with who acts and for which server', () => {
  const text = `# Shows something
user: joe {PLAIN}secret proxy <backend>
difference: some-name
C: a NOOP
dovecot| S2: a OK
B3<~ x\\r\\n
T: 0.5..2
C starts tls`
  const { title, users, differences, steps } = parseTranscript('x.txt', text)
  assert.equal(title, 'Shows something')
  assert.deepEqual(users, [{ name: 'joe', password: '{PLAIN}secret', fields: 'proxy <backend>' }])
  assert.deepEqual(differences, ['some-name'])
  const of = (kind: string) => steps.find((step) => step.kind === kind)
  assert.deepEqual(of('client-hears'), {
    at: 5,
    only: 'dovecot',
    kind: 'client-hears',
    connection: 2,
    text: 'a OK',
    exact: false,
  })
  assert.deepEqual(of('backend-hears'), {
    at: 6,
    only: undefined,
    kind: 'backend-hears',
    connection: 3,
    text: 'x\\r\\n',
    exact: true,
  })
  assert.deepEqual(of('time'), { at: 7, only: undefined, kind: 'time', fromSecs: 0.5, toSecs: 2 })
  assert.deepEqual(of('client-does'), {
    at: 8,
    only: undefined,
    kind: 'client-does',
    connection: 1,
    deed: 'starts tls',
  })
})

const REFUSED: readonly (readonly [text: string, complaint: RegExp, why: string])[] = [
  ['# t\nQ: what', /x\.txt:2: not understood/, 'nobody is called Q'],
  ['C: a NOOP', /no comment that says what it shows/, 'a title is owed'],
  ['# t\npostern| C: a', /no "difference:"/, 'a difference has a name'],
  ['# t\ndifference: n\nC: a', /no line that differs/, 'a name has a difference'],
]

test('a transcript that says too little is refused with its place', () => {
  for (const [text, complaint, why] of REFUSED) assert.throws(() => parseTranscript('x.txt', text), complaint, why)
})

const MATCHES: readonly (readonly [expected: string, actual: string, fits: boolean, why: string])[] = [
  ['a OK (x)', 'a OK (x)', true, 'characters of patterns mean themselves'],
  ['a OK .', 'a OK x', false, 'the dot too'],
  ['user=<joe>, port=<client-port>', 'user=<joe>, port=4711', true, 'a known value, and a word nobody knows'],
  ['port=<client-port>', 'port=4712', false, 'a known value is that value'],
  ['<session> <session>', 'abcdefgh12345678 abcdefgh12345678', true, 'bound once in a line'],
  ['<session> <session>', 'abcdefgh12345678 abcdefgh12345679', false, 'to one text'],
  ['+ <base64:a\\0b>', '+ YQBi', true, 'base64 of bytes'],
  ['<repeat:3:ab>', 'ababab', true, 'long things are short to write'],
  ['<secs> secs<any>', '0.25 secs, and more', true, 'numbers and the rest'],
  ['<number> secs', 'x secs', false, 'but numbers'],
]

test('placeholders let pass what they name and nothing else', () => {
  for (const [expected, actual, fits, why] of MATCHES) {
    const values: Values = new Map([['client-port', '4711']])
    assert.equal(mismatch(expected, actual, values) === undefined, fits, why)
  }
})

test('what a placeholder learnt holds for later lines', () => {
  const values: Values = new Map()
  assert.equal(mismatch('session=<<session>>', 'session=<abcdefgh12345678>', values), undefined)
  assert.equal(expand('id <session>', values), 'id abcdefgh12345678')
  assert.match(mismatch('<session>', 'abcdefgh12345679', values) ?? '', /expected <session>\n +got abcdefgh12345679/)
})
