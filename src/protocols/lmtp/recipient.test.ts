import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPath } from '../smtp/wire/path.ts'
import { readForwardFields } from './forward.ts'
import { Recipient, splitDetail } from './recipient.ts'
import { rewriteRecipient } from './rewrite.ts'

test('the detail begins at the first delimiter', () => {
  const rows: [local: string, delimiters: string, expected: [string, string]][] = [
    ['joe', '+', ['joe', '']],
    ['joe+box', '+', ['joe', '+box']],
    ['joe-a+b', '+-', ['joe', '-a+b']],
    ['+box', '+', ['', '+box']],
    ['joe+box', '', ['joe+box', '']],
  ]
  for (const [localPart, delimiters, [local, detail]] of rows) {
    assert.deepEqual(splitDetail(localPart, delimiters), { local, detail })
  }
})

test('the backend gets its own name for the recipient, and the detail', () => {
  const rows: [
    localPart: string,
    domain: string | undefined,
    destuser: string,
    expected: string | undefined,
    why: string,
  ][] = [
    ['joe', 'x', 'joe@x', '<joe@x>', 'the same'],
    ['joe+box', 'x', 'joe@x', '<joe+box@x>', 'the same, with a detail'],
    ['JOE+Box', 'x', 'joe@x', '<joe+Box@x>', 'the name in lower case, the detail as it is'],
    ['joe+box', 'x', 'other@y', '<other+box@y>', 'another'],
    ['joe', 'x', 'other', '<other>', 'without domain'],
    ['joe', undefined, 'joe', '<joe>', 'neither has one'],
    ['joe', 'x', '', undefined, 'nobody'],
    ['joe', 'x', 'a\r\nRCPT TO:<evil>', undefined, 'no address, and no command'],
    ['joe', 'x', 'a b@y', '<"a b"@y>', 'to be quoted'],
    ['m\xc3\xbcller', 'x', 'müller@x', '<m\xc3\xbcller@x>', 'bytes here, text there'],
  ]
  for (const [localPart, domain, destuser, expected, why] of rows) {
    const address = rewriteRecipient({ localPart, domain }, destuser, '+')
    assert.equal(address === undefined ? undefined : formatPath(address), expected, why)
  }
})

test('a recipient is finished once', async () => {
  const recipient = new Recipient({ id: 'x', address: { localPart: 'joe', domain: undefined }, forward: new Map() })
  recipient.finish('first')
  recipient.finish('second')
  assert.equal(await recipient.reply, 'first')
})

test('XRCPTFORWARD is understood plain and in base64', () => {
  const rows: [value: string | undefined, expected: [string, string][], why: string][] = [
    [undefined, [], 'absent'],
    ['', [], 'empty'],
    [
      'abc+3Dval1+09k+3Dx+3Dy+09b',
      [
        ['abc', 'val1'],
        ['k', 'x=y'],
        ['b', ''],
      ],
      'as Dovecot sends it',
    ],
    ['YWJjPXZhbDE+3D', [['abc', 'val1']], 'as its manual says'],
    [
      'YWJjPXZhbDEJYg+3D+3D',
      [
        ['abc', 'val1'],
        ['b', ''],
      ],
      'the same with two fields',
    ],
    ['flag', [['flag', '']], 'a bare key that could be base64'],
    ['a+3Db', [['a', 'b']], 'a field'],
    ['constructor+3Dx', [['constructor', 'x']], 'a name that objects know'],
  ]
  for (const [value, expected, why] of rows) assert.deepEqual([...readForwardFields(value)], expected, why)
})
