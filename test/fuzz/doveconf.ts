/**
 * Random configurations through Dovecot's doveconf and ours; the first difference is shrunk and shown.
 *
 *   node test/fuzz/doveconf.ts [RUNS] [SEED]
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { runDoveconf } from '../../src/admin/commands/doveconf.ts'
import { systemFiles } from '../../src/main/config-files.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'

/** Keys with values that make sense, by the section they belong to; '' is the top level. */
const KEYS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  '': {
    ssl: ['yes', 'no', 'required'],
    auth_cache_ttl: ['5 s', '60 mins', '0'],
    auth_verbose: ['yes', 'no', 'y'],
    mdbox_rotate_size: ['10 M', '1025', '0'],
    protocols: ['imap', 'pop3 imap', '$protocols lmtp'],
    login_proxy_timeout: ['1500 ms', '30 secs'],
    mail_cache_max_size: ['1 G', '2 M'],
    mail_home: [],
    mail_plugins: [],
    login_greeting: [],
    ssl_cert: [],
    ssl_key: [],
    mail: [],
  },
  service: { service_count: ['0', '1'], vsz_limit: ['0', '10 M'], protocol: ['imap', ''], chroot: [], user: [] },
  inet_listener: { port: ['0', '99'], ssl: ['yes', 'no'], address: ['*'], haproxy: ['yes'] },
  unix_listener: { mode: ['0600', '660', '0'], user: [], group: [] },
  passdb: { driver: ['static'], args: [], master: ['yes', 'no'], skip: ['never', 'authenticated'], name: ['x'] },
  userdb: { driver: ['prefetch'], args: [], default_fields: [] },
  namespace: { prefix: [], separator: ['/', ''], inbox: ['yes', 'no'], location: [], list: ['yes', 'children'] },
  mailbox: { auto: ['no', 'create'], special_use: ['\\Sent'], autoexpunge: ['3d', '0'], comment: [] },
  plugin: { a: [], b: [], my_key: [], quota_rule: [] },
  dict: { a: [], b: [] },
}

const INNER: Readonly<Record<string, readonly string[]>> = {
  '': ['service', 'passdb', 'userdb', 'namespace', 'plugin', 'dict'],
  service: ['inet_listener', 'unix_listener'],
  namespace: ['mailbox'],
}

const HOSTILE = fc.constantFrom(
  ...String.raw`x||""|"a b"|'q'|a\|a \|$mail_plugins y|$mail_home|<x.pem|a # c|a#c|"a#c"|it's|"un|a=b|\|  |é|pass=x`.split(
    '|',
  ),
  ...String.raw`key = y|http://u:p@h/|"x" y|'x\'|$|A $mail_plugins`.split('|'),
)
const FILTERS = fc.constantFrom(
  'protocol imap',
  'protocol pop3',
  'protocol !imap',
  'local 10.0.0.0/8',
  'local 10.1.0.0/16',
  'remote ::1',
  'remote 192.0.2.0/24',
  'local_name a.example',
  'local_name "a b"',
)
const NAMES = fc.constantFrom('', '', ' imap', ' imap-login', ' a', ' "a b"', ' "x/y"', " q'", ' z=')
const NOISE = fc.constantFrom('# comment', '', '   ', '#x \\', '\\', 'junk', '} x', '{', '= x', 'a b = c')

function setting(section: string): fc.Arbitrary<readonly string[]> {
  const keys = Object.entries(KEYS[section] ?? {})
  return fc.constantFrom(...keys).chain(([key, values]) => {
    const usual = values.length === 0 ? HOSTILE : fc.constantFrom(...values)
    const value = fc.oneof({ weight: 40, arbitrary: usual }, { weight: 1, arbitrary: HOSTILE })
    return fc.tuple(value, fc.constantFrom(' = ', '=', ' =', '\t= ')).map(([text, sign]) => [`${key}${sign}${text}`])
  })
}

function body(section: string, depth: number): fc.Arbitrary<readonly string[]> {
  const block = (opening: fc.Arbitrary<string>, inside: string) =>
    fc.tuple(opening, body(inside, depth - 1)).map(([open, lines]) => [`${open} {`, ...lines, '}'])
  const inner = INNER[section] ?? []
  const nested =
    depth === 0
      ? []
      : inner.map((type) =>
          block(
            NAMES.filter((name) => type !== 'service' || name !== '').map((name) => `${type}${name}`),
            type,
          ),
        )
  const filter = depth === 0 || section !== '' ? [] : [{ weight: 4, arbitrary: block(FILTERS, '') }]
  const line = fc.oneof(
    { weight: 8, arbitrary: setting(section) },
    { weight: 1, arbitrary: NOISE.filter((noise) => /^[#\s\\]|^$/.test(noise)).map((noise) => [noise]) },
    ...filter,
    ...nested.map((arbitrary) => ({ weight: 1, arbitrary })),
  )
  return fc.array(line, { maxLength: 5 }).map((lines) => lines.flat())
}

const lines = fc.tuple(body('', 3), fc.option(NOISE, { freq: 10 }), body('', 2))
const configuration = fc
  .tuple(lines, fc.constantFrom('\n', '\n', '\r\n'))
  .map(([[before, noise, after], end]) => [...before, ...(noise === null ? [] : [noise]), ...after].join(end))

function theirs(path: string, flag: string): readonly string[] {
  const { stdout, stderr, status } = spawnSync('doveconf', [flag, '-c', path], { encoding: 'utf8' })
  return outcome(stdout, stderr, status ?? -1)
}

function ours(path: string, flag: string): readonly string[] {
  let [stdout, stderr] = ['', '']
  const status = runDoveconf([flag, '-c', path, '-o', 'postern_strict=yes'], {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    files: systemFiles(),
    hostname: 'localhost',
  })
  return outcome(stdout, stderr, status)
}

function outcome(stdout: string, stderr: string, status: number): readonly string[] {
  const fatal = stderr.split('\n').findLast((line) => line.startsWith('doveconf: Fatal'))
  const listed = stdout.split('\n').filter((line) => !/^# [^#]*:|^# Pig|^managesieve_[ns]|^postern_strict/.test(line))
  return [`status ${status}`, ...(status === 0 ? [] : [fatal ?? '']), ...listed]
}

const [runs = '500', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2)
const directory = makeTempDir('fuzz')
const path = join(directory, 'dovecot.conf')
try {
  console.log(`${runs} runs from seed ${seed}`)
  const property = fc.property(configuration, fc.constantFrom('-n', '-N'), (text, flag) => {
    writeFileSync(path, text)
    assert.deepEqual(ours(path, flag), theirs(path, flag))
  })
  fc.assert(property, { numRuns: Number(runs), seed: Number(seed) })
  console.log('no difference')
} finally {
  removeTempDir(directory)
}
