import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseImports, readSources } from './architecture/imports.ts'
import { findCycles, importComplaint } from './architecture/rules.ts'

const sources = readSources(join(dirname(fileURLToPath(import.meta.url)), '..', 'src'))

/** A file this long has more than one idea. */
const LONG_LINES = 400

/** Files that may be longer, each with the reason. */
const LONG_FILES: ReadonlyMap<string, string> = new Map([])

/** Names that say nothing; things pile up behind them. */
const EMPTY_NAMES = ['utils.ts', 'util.ts', 'helpers.ts', 'helper.ts', 'types.ts', 'common.ts', 'misc.ts']

test('imports point down: no folder reaches one it may not know', () => {
  const complaints = sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ own }) => own)
      .map((line) => ({ at: `src/${path}:${line.line}`, target: line.target, complaint: importComplaint(path, line) }))
      .filter(({ complaint }) => complaint !== undefined)
      .map(({ at, target, complaint }) => `${at} imports ${target}: ${complaint}`),
  )
  expectNone(complaints)
})

test('no imports go round in a circle', () => {
  expectNone(findCycles(sources))
})

test(`no file is longer than ${LONG_LINES} lines without a reason`, () => {
  const long = sources.filter(({ path, lines }) => lines > LONG_LINES && !LONG_FILES.has(path))
  expectNone(long.map(({ path, lines }) => `src/${path} has ${lines} lines`))
  const needless = [...LONG_FILES.keys()].filter(
    (path) => !sources.some((source) => source.path === path && source.lines > LONG_LINES),
  )
  assert.deepEqual(needless, [], 'listed as long, but gone or short')
})

test('nobody prints: output belongs to main and admin, the rest logs through events', () => {
  const printing = sources.filter(({ path, text }) => !/^(main|admin)\//.test(path) && /\bconsole\.\w+\(/.test(text))
  expectNone(printing.map(({ path }) => `src/${path} calls console`))
})

test('files have names that say something, in kebab-case', () => {
  const named = sources.map(({ path }) => ({ path, name: path.slice(path.lastIndexOf('/') + 1) }))
  const bad = named.filter(({ name }) => EMPTY_NAMES.includes(name) || !/^[a-z0-9]+([-.][a-z0-9]+)*\.ts$/.test(name))
  expectNone(bad.map(({ path }) => `src/${path}`))
})

test('the import table refuses what it should', () => {
  const rows: [from: string, line: string, allowed: boolean, why: string][] = [
    ['util/x.ts', "import { y } from '../net/y.ts'", false, 'util knows nobody'],
    ['auth/x.ts', "import { y } from '../util/y.ts'", true, 'down'],
    ['protocols/imap/login.ts', "import type { AuthRefusal } from '../../auth/auth.ts'", true, 'types of auth'],
    ['protocols/imap/login.ts', "import { service } from '../../auth/service.ts'", false, 'but no more of it'],
    ['protocols/imap/login.ts', "import { y } from '../pop3/login.ts'", false, 'never each other'],
    ['protocols/lmtp/server.ts', "import { y } from '../smtp/wire/reply.ts'", true, 'shared by two'],
    ['protocols/imap/server.ts', "import { y } from '../smtp/wire/reply.ts'", false, 'and by no third'],
    ['protocols/imap/wire/parser.ts', "import { y } from '../../../net/y.ts'", false, 'wire code has no sockets'],
    ['proxy/connect.ts', "import { y } from '../protocols/protocol.ts'", true, 'the interface'],
    ['proxy/connect.ts', "import { y } from '../protocols/imap/backend.ts'", false, 'not the protocols'],
    ['login/session.ts', "import { all } from '../protocols/index.ts'", false, 'a list is for main'],
    ['main/server.ts', "import { all } from '../protocols/index.ts'", true, 'which composes'],
    ['auth/service.ts', "import { all } from '../sasl/index.ts'", true, 'auth may list mechanisms'],
    ['auth/service.ts', "import {\n  all,\n  more,\n} from '../proxy/route.ts'", false, 'import lines may be long'],
    ['auth/service.ts', "const x = await import('../proxy/route.ts')", false, 'nor hide in a call'],
  ]
  for (const [from, line, allowed, why] of rows) {
    const [found] = parseImports(from, line)
    assert.ok(found, `${line}: not read`)
    assert.equal(importComplaint(from, found) === undefined, allowed, `${from}: ${line} (${why})`)
  }
})

function expectNone(complaints: readonly string[]): void {
  if (complaints.length > 0) assert.fail(`\n${complaints.join('\n')}`)
}
