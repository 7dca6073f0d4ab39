// `postern doveconf` against the real one: the same lines, the same errors, the same exit status.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runDoveconf } from '../src/admin/commands/doveconf.ts'
import { systemFiles } from '../src/main/config-files.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'

const corpus = fileURLToPath(new URL('doveconf-corpus', import.meta.url))
/** Where the package keeps its default configuration for new installations. */
const packaged = '/usr/share/dovecot'

/** Each configuration is a file, or a folder whose dovecot.conf includes its other files. */
const configurations = globSync(['*.conf', '*/dovecot.conf'], { cwd: corpus }).toSorted()

/** Flags that are tried on some configurations only; `except` says where Dovecot's own output is at fault. */
const OPTIONS: readonly { readonly flags: readonly string[]; readonly of: readonly string[]; readonly why: string }[] =
  [
    { flags: ['-N'], of: ['*'], why: 'what is set explicitly, default or not' },
    { flags: ['-n', '-P'], of: ['secrets', 'seed-other-settings', 'databases'], why: 'secrets are shown on demand' },
    { flags: ['-a'], of: ['backend', 'proxy-frontend', 'sections-nameless', 'paths', 'statistics'], why: 'everything' },
    { flags: ['-a', '-s'], of: ['backend', 'filters'], why: 'hidden settings too' },
    { flags: ['-d'], of: ['backend'], why: 'defaults, whatever the file says' },
    { flags: ['-d', 'mail_plugins'], of: ['backend'], why: 'one default' },
    {
      flags: ['-x', '-n'],
      of: ['file-values/dovecot', 'file-values-missing/dovecot', 'variables-empty-base'],
      why: 'files',
    },
    { flags: ['-S'], of: ['backend', 'proxy-frontend', 'filters', 'paths'], why: 'flat, in any order' },
    { flags: ['-S', '-n'], of: ['secrets', 'sections-nameless', 'sections-names', 'databases'], why: 'flat names' },
    { flags: ['-S', '-N'], of: ['proxy-frontend', 'sections-nameless', 'sections-empty'], why: 'flat, explicitly set' },
    { flags: ['-S', 'plugin'], of: ['secrets', 'backend'], why: 'one dictionary, flat' },
    {
      flags: ['-f', 'protocol=imap', '-n'],
      of: ['filters', 'databases-in-protocols', 'variables-empty-base'],
      why: 'merged',
    },
    { flags: ['-f', 'local=10.1.2.3', '-n'], of: ['filters'], why: 'the narrower network wins' },
    {
      flags: ['-f', 'remote=192.0.2.1', '-f', 'protocol=pop3', '-f', 'local=10.0.0.1'],
      of: ['filters'],
      why: 'all three',
    },
    { flags: ['-f', 'lname=x.b.example.org', '-n'], of: ['filters'], why: 'a wildcard for one label' },
    { flags: ['-f', 'lname=x.y.b.example.org', '-n'], of: ['filters'], why: 'a wildcard is for one label only' },
    { flags: ['-f', 'nonsense=1'], of: ['filters'], why: 'unknown filters are refused' },
    { flags: ['-m', 'imap'], of: ['backend'], why: 'settings of one part' },
    { flags: ['-m', 'auth', '-n'], of: ['databases-in-protocols'], why: 'databases belong to the auth part' },
    { flags: ['-m', 'imap-login', '-m', 'lmtp'], of: ['proxy-frontend'], why: 'several parts' },
    { flags: ['mail_plugins'], of: ['quotes', 'backend'], why: 'a single setting is not quoted' },
    { flags: ['-h', 'mail_plugins'], of: ['backend', 'error-protocols'], why: 'the bare value, for scripts' },
    { flags: ['doveadm_password'], of: ['secrets'], why: 'a secret asked for by its name is shown' },
    { flags: ['service/imap-login/service_count'], of: ['proxy-frontend'], why: 'a setting by its path' },
    { flags: ['service/imap-login'], of: ['proxy-frontend'], why: 'a section by its path' },
    { flags: ['passdb'], of: ['databases', 'secrets'], why: 'all sections of a kind' },
    { flags: ['mail_home'], of: ['error-unknown'], why: 'nothing is told of a configuration that cannot be read' },
    { flags: ['-z'], of: ['quotes'], why: 'unknown options are refused' },
    { flags: ['-f', 'protocol=imap', 'mail_plugins'], of: ['backend'], why: 'one setting as one protocol sees it' },
  ]

describe('doveconf', { skip: skipReason() }, () => {
  for (const configuration of configurations) {
    test(`-n prints ${configuration} as Dovecot does`, () => compare(['-n'], join(corpus, configuration)))
  }
  for (const { flags, of, why } of OPTIONS) {
    const chosen = configurations.filter((file) => of.includes('*') || of.includes(file.slice(0, -'.conf'.length)))
    test(`${flags.join(' ')} agrees on ${of.join(', ')}: ${why}`, () => {
      assert.ok(chosen.length >= of.length, `${of.join(', ')}: not all of these are in the corpus`)
      for (const configuration of chosen) compare(flags, join(corpus, configuration))
    })
  }

  describe("the package's default configuration", { skip: existsSync(packaged) ? false : `no ${packaged}` }, () => {
    let directory = ''
    before(() => {
      directory = makeTempDir('doveconf')
      copyPackaged(directory)
    })
    after(() => removeTempDir(directory))
    for (const flags of [['-n'], ['-N'], ['-a'], ['-n', '-P'], ['-f', 'protocol=lmtp', 'mail_plugins']]) {
      test(`${flags.join(' ')} agrees`, () => compare(flags, join(directory, 'dovecot.conf')))
    }
  })
})

function copyPackaged(to: string): void {
  mkdirSync(join(to, 'conf.d'))
  for (const file of globSync(['*.conf', '*.ext', 'conf.d/*'], { cwd: packaged })) {
    cpSync(join(packaged, file), join(to, file))
  }
}

function skipReason(): string | false {
  const version = spawnSync('doveconf', ['-h', '-d', 'protocols'])
  return version.error === undefined ? false : 'doveconf is not installed (Debian: dovecot-core)'
}

interface Listing {
  readonly lines: readonly string[]
  readonly warnings: readonly string[]
  readonly fatal: string
  readonly status: number
}

function compare(flags: readonly string[], path: string): void {
  const [theirs, ours] = [listTheirs(flags, path), listOurs(flags, path)]
  // The order of `-S` is that of Dovecot's C structures.
  const sorted = (lines: readonly string[]) => (flags.includes('-S') ? lines.toSorted() : lines)
  assert.deepEqual(sorted(ours.lines), sorted(theirs.lines), `${path}: lines`)
  assert.equal(ours.status, theirs.status, `${path}: exit status; ${ours.fatal} against ${theirs.fatal}`)
  assert.equal(ours.fatal, theirs.fatal, `${path}: error`)
  // With -d Dovecot reads the configuration too, and warns about what it will not print.
  if (!flags.includes('-d')) assert.deepEqual(ours.warnings, theirs.warnings, `${path}: warnings`)
}

function listTheirs(flags: readonly string[], path: string): Listing {
  const { stdout, stderr, status } = spawnSync('doveconf', ['-c', path, ...flags], { encoding: 'utf8' })
  return listingOf(stdout, stderr, status ?? -1)
}

function listOurs(flags: readonly string[], path: string): Listing {
  let [stdout, stderr] = ['', '']
  const status = runDoveconf(['-c', path, '-o', 'postern_strict=yes', ...flags], {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    files: systemFiles(),
    hostname: 'localhost',
    env: new Map(Object.entries(process.env).map(([name, value]) => [name, value ?? ''])),
  })
  return listingOf(stdout, stderr, status)
}

function listingOf(stdout: string, stderr: string, status: number): Listing {
  const said = stderr.split('\n')
  const of = (kind: string) => said.filter((line) => line.startsWith(`doveconf: ${kind}: `))
  return {
    lines: withoutTail(stdout.split('\n').filter((line) => !isIncidental(line))),
    // Dovecot reads the configuration a second time to ask what Sieve can do, and says everything twice.
    warnings: [...new Set(of('Warning'))],
    fatal: status === 0 ? '' : (of('Fatal').at(-1) ?? said.find((line) => line.includes('invalid option')) ?? ''),
    status,
  }
}

/** Header lines, the values that Dovecot computes by asking Sieve, and our own switch. */
function isIncidental(line: string): boolean {
  return /^# [^#]*:|^# Pigeonhole|^managesieve_(notify|sieve)_capability|^postern_strict/.test(line)
}

function withoutTail(lines: readonly string[]): readonly string[] {
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}
