import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { boolean, string, uint } from '../setting.ts'
import { type ExtFileOptions, parseExtFile } from './ext-file.ts'

const rows = {
  driver: string('', 'Driver.'),
  connect: string('', 'Where.'),
  password_query: string('SELECT 1', 'Query.'),
  user_query: string('', 'Query.'),
  pass_attrs: string('', 'Attributes.'),
  flag: boolean('no', 'Flag.'),
  number: uint('3', 'Number.'),
} as const

function parse(text: string, options: ExtFileOptions = {}, others: Record<string, string> = {}) {
  return parseExtFile('/x.ext', text, rows, memoryFiles(others), options)
}

function texts(text: string, options: ExtFileOptions = {}): readonly string[] {
  return parse(text, options).complaints.map(({ severity, text: said }) => `${severity} ${said}`)
}

test('values come with their types, and defaults for what is not there', () => {
  const { values, changed, complaints } = parse('driver = mysql\nflag = yes\n')
  assert.deepEqual(values.driver, 'mysql')
  assert.equal(values.flag, true)
  assert.equal(values.number, 3)
  assert.equal(values.password_query, 'SELECT 1')
  assert.deepEqual([...changed], ['driver', 'flag'])
  assert.deepEqual(complaints, [])
})

test('a continued line goes on behind comments and empty lines', () => {
  const { values } = parse("password_query = SELECT a \\\n# comment\n\n  FROM b # tail\\\nuser_query = 'x # y'\n")
  assert.equal(values.password_query, 'SELECT a FROM b')
  assert.equal(values.user_query, 'x # y')
})

test('files and settings are not looked up, the environment is, at the start of words', () => {
  const env = new Map([['SECRET', 'pw']])
  const { values } = parse('driver = <x\nconnect = host=$ENV:SECRET $ENV:SECRET $driver\n', { env })
  assert.equal(values.driver, '<x')
  assert.equal(values.connect, 'host=$ENV:SECRET pw $driver')
  assert.equal(parse('connect = "$ENV:SECRET"', { env }).values.connect, '$ENV:SECRET')
})

describe('complaints carry file and line', () => {
  const where = 'Error in configuration file /x.ext line'
  const table: readonly [text: string, expected: string, why: string][] = [
    ['driver mysql', `error ${where} 1: Expecting '='`, 'not a setting'],
    ['\nfoo = x', `error ${where} 2: Unknown setting: foo`, 'no such setting'],
    ['constructor = x', `error ${where} 1: Unknown setting: constructor`, 'nor one of every object'],
    ['flag = y', `error ${where} 1: Invalid boolean: y`, 'booleans are yes and no only'],
    ['number = x', `error ${where} 1: Invalid number: x`, 'a number'],
    ['dict {', `error ${where} 1: Expecting '='`, 'no sections'],
    ['!include nothing*', `error ${where} 1: No matches`, 'an include of nothing'],
  ]
  for (const [text, expected, why] of table) test(why, () => assert.deepEqual(texts(text), [expected]))
})

test('numbers may be octal and hexadecimal', () => {
  assert.equal(parse('number = 010').values.number, 8)
  assert.equal(parse('number = 0x10').values.number, 16)
})

describe('the wrapped queries of wiki dumps', () => {
  const proxy = `driver = mysql
connect = host=sqlhost1 host=sqlhost2 dbname=mail user=dovecot password=secret
password_query = SELECT NULL AS password, 'Y' as nopassword, host, destuser,
'Y' AS proxy FROM proxy WHERE user = '%u'
`
  const maybe = `driver = mysql

password_query = \\
  SELECT concat(user, '@', domain) AS user, password, host, 'Y' AS proxy_maybe
\\
  FROM users WHERE user = '%n' AND domain = '%d'

user_query = SELECT user AS username, domain, home \\
  FROM users WHERE user = '%n' AND domain = '%d'
`

  test('the rest of a query joins it, with a warning', () => {
    const { values, complaints } = parse(proxy)
    assert.equal(
      values.password_query,
      "SELECT NULL AS password, 'Y' as nopassword, host, destuser, 'Y' AS proxy FROM proxy WHERE user = '%u'",
    )
    assert.deepEqual(
      complaints.map(({ severity, at }) => [severity, at?.line]),
      [['warning', 4]],
    )
  })

  test('also behind a lone backslash', () => {
    const { values } = parse(maybe)
    assert.equal(
      values.password_query,
      "SELECT concat(user, '@', domain) AS user, password, host, 'Y' AS proxy_maybe FROM users WHERE user = '%n' AND domain = '%d'",
    )
    assert.equal(
      values.user_query,
      "SELECT user AS username, domain, home FROM users WHERE user = '%n' AND domain = '%d'",
    )
  })

  test('a line that looks like an unknown setting joins too, behind a query only', () => {
    assert.equal(
      parse("password_query = SELECT a FROM b WHERE\nuser = '%u'").values.password_query,
      "SELECT a FROM b WHERE user = '%u'",
    )
    assert.deepEqual(texts('driver = x\nuser = y'), [
      'error Error in configuration file /x.ext line 2: Unknown setting: user',
    ])
  })

  test('strict reading reports what Dovecot reports', () => {
    const where = 'Error in configuration file /x.ext line'
    assert.deepEqual(texts(proxy, { strict: true }), [`error ${where} 4: Expecting '='`])
    assert.deepEqual(texts(maybe, { strict: true }), [`error ${where} 6: Expecting '='`])
  })
})

test('includes are read in place, and never in a circle', () => {
  const others = { '/part.ext': 'flag = yes\n!include x.ext\n' }
  const { values, complaints } = parse('!include part.ext\ndriver = x\n', {}, { ...others, '/x.ext': '' })
  assert.equal(values.flag, true)
  assert.equal(values.driver, 'x')
  assert.deepEqual(
    complaints.map(({ text }) => text),
    ['Error in configuration file /part.ext line 2: Recursive include file: /x.ext'],
  )
})
