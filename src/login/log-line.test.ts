import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logLineOf } from './log-line.ts'

const DEFAULTS = {
  login_log_format: '%$: %s',
  login_log_format_elements: 'user=<%u> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>',
}

const FULL: Record<string, string> = {
  user: 'joe',
  mech: 'PLAIN',
  rip: '192.0.2.1',
  lip: '192.0.2.2',
  mail_pid: '',
  secured: 'TLS',
  session: 'abc',
}

const lookup = (values: Record<string, string>) => (name: string) => values[name] ?? `UNSUPPORTED_VARIABLE_${name}`

const rows: readonly {
  why: string
  settings?: Partial<typeof DEFAULTS>
  values?: Record<string, string>
  is: string
}[] = [
  { why: 'the default', is: 'Hi: user=<joe>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, TLS, session=<abc>' },
  {
    why: 'empty elements are left out, the user is not',
    values: { user: '', mech: '', secured: '' },
    is: 'Hi: user=<>, rip=192.0.2.1, lip=192.0.2.2, session=<abc>',
  },
  {
    why: 'an element without variables never says anything',
    settings: { login_log_format_elements: 'plain %u' },
    is: 'Hi: joe',
  },
  { why: 'nothing about the session', settings: { login_log_format: '%$' }, is: 'Hi' },
  {
    why: 'the session first',
    settings: { login_log_format: '[%s] %$', login_log_format_elements: '%u' },
    is: '[joe] Hi',
  },
  {
    why: 'an unknown variable',
    settings: { login_log_format_elements: '%u %Z' },
    is: 'Hi: joe, UNSUPPORTED_VARIABLE_Z',
  },
  { why: 'modifiers', settings: { login_log_format_elements: '%Uu' }, is: 'Hi: JOE' },
  {
    why: 'a broken element is left out',
    settings: { login_log_format_elements: '%{if;x} %u' },
    is: 'Hi: joe',
  },
]

for (const { why, settings, values, is } of rows) {
  test(`login log line: ${why}`, () => {
    const line = logLineOf({ ...DEFAULTS, ...settings })
    assert.equal(line('Hi', lookup({ ...FULL, ...values })), is)
  })
}

test('a settings object is compiled once', () => {
  const settings = { ...DEFAULTS }
  assert.equal(logLineOf(settings), logLineOf(settings))
})
