import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { skipWithout } from '../peers/peers.ts'
import type { Started } from '../peers/started.ts'
import type { CommandRun } from '../support/run-postern.ts'
import { runPostern } from '../support/run-postern.ts'
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts'
import { makeMaildir } from './acl-config.ts'
import { startAclDovecot } from './dovecot-acl-server.ts'
import { runOurs, runTheirs } from '../support/run-doveadm.ts'

/** Said to both, one after the other; the files are the same behind each. */
const ROWS: readonly (readonly [why: string, ...argv: string[]])[] = [
  ['give rights', 'acl', 'set', '-u', 'olga', 'Work', 'user=bob', 'lookup', 'read'],
  ['show them', '-f', 'tab', 'acl', 'get', '-u', 'olga', 'Work'],
  ['in a table', 'acl', 'get', '-u', 'olga', 'Work'],
  ['in JSON', '-f', 'json', 'acl', 'get', '-u', 'olga', 'Work'],
  ['for a pager', '-f', 'pager', 'acl', 'get', '-u', 'olga', 'Work'],
  ['as the other user', '-f', 'tab', 'acl', 'rights', '-u', 'bob', 'shared/olga/Work'],
  ['in a table', 'acl', 'rights', '-u', 'bob', 'shared/olga/Work'],
  ['what applies to him', '-f', 'tab', 'acl', 'get', '-m', '-u', 'bob', 'shared/olga/Work'],
  ['letters are no rights', '-f', 'tab', 'acl', 'set', '-u', 'olga', 'Work', 'user=bob', 'lr'],
  ['no identifier', 'acl', 'set', '-u', 'olga', 'Work', 'bob', 'lookup'],
  ['no such mailbox', '-f', 'tab', 'acl', 'get', '-u', 'olga', 'Nope'],
  ['in JSON', '-f', 'json', 'acl', 'get', '-u', 'olga', 'Nope'],
  ['rights on no mailbox', '-f', 'tab', 'acl', 'rights', '-u', 'olga', 'Nope'],
  ['change no mailbox', 'acl', 'add', '-u', 'olga', 'Nope', 'owner', 'read'],
  ['no such user', '-f', 'tab', 'acl', 'get', '-u', 'nobody', 'Work'],
  ['denials', 'acl', 'set', '-u', 'olga', '--', 'Work', 'group=staff', 'all', '-write', '-expunge'],
  ['show them', '-f', 'tab', 'acl', 'get', '-u', 'olga', 'Work'],
  ['more rights', 'acl', 'add', '-u', 'olga', 'Work', 'user=bob', 'insert', ':own'],
  ['fewer rights', 'acl', 'remove', '-u', 'olga', 'Work', 'user=bob', 'lookup'],
  ['show them', '-f', 'tab', 'acl', 'get', '-u', 'olga', 'Work'],
  ['forget', 'acl', 'delete', '-u', 'olga', 'Work', 'group=staff'],
  ['forget what was not there', 'acl', 'delete', '-u', 'olga', 'Work', 'user=nobody'],
  ['anybody', 'acl', 'set', '-u', 'olga', 'Work', 'anyone', 'lookup'],
  ['debug what is shared', 'acl', 'debug', '-u', 'dave', 'shared/olga/Work'],
  ['debug what is not', 'acl', 'debug', '-u', 'bob', 'shared/olga/Closed'],
  ['recalc', 'acl', 'recalc', '-u', 'olga'],
  ['all users', '-f', 'tab', 'acl', 'get', '-A', 'Work'],
]

describe('postern doveadm acl says what Dovecot says', { skip: skipWithout('dovecot-imapd') }, () => {
  let theirs: Started
  let ours = ''
  let config = ''
  before(async () => {
    theirs = await startAclDovecot((dir) => {
      for (const name of ['Work', 'Closed']) makeMaildir(join(dir, `mail/olga/Maildir/.${name}`))
      writeFileSync(join(dir, 'mail/olga/Maildir/.Closed/dovecot-acl'), 'user=dave lr\n')
      writeFileSync(join(dir, 'acls/Work'), 'user=admin lr\n')
    })
    ours = makeTempDir('doveadm-acl')
    for (const name of ['mail', 'acls', 'users', 'masters'])
      cpSync(join(theirs.dir, name), join(ours, name), { recursive: true })
    config = join(ours, 'dovecot.conf')
    const text = readFileSync(join(theirs.dir, 'dovecot.conf'), 'utf8').replaceAll(theirs.dir, ours)
    const { uid, gid } = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
    const own = text.replaceAll('uid=mail gid=mail', `uid=${uid} gid=${gid}`)
    writeFileSync(config, `${own}\nfirst_valid_uid = 0\nfirst_valid_gid = 0\n`)
  })
  after(async () => {
    await theirs.stop()
    if (ours !== '') removeTempDir(ours)
  })

  test('command by command', async (t) => {
    for (const [why, ...argv] of ROWS) {
      await t.test(`${why}: ${argv.join(' ')}`, async () => {
        const [expected, ran] = await Promise.all([runTheirs(theirs.dir, argv), runOurs(config, argv)])
        assert.deepEqual(comparable(ran, ours), comparable(expected, theirs.dir))
        const file = 'mail/olga/Maildir/.Work/dovecot-acl'
        assert.equal(readFileSync(join(ours, file), 'latin1'), readFileSync(join(theirs.dir, file), 'latin1'))
      })
    }
  })

  test('explain names the lines that decided and those that lost', async () => {
    writeAcl('Work', 'anyone lrw\nuser=bob lr\n')
    const ran = await runOurs(config, ['acl', 'explain', 'bob', 'shared/olga/Work'])
    const path = `${ours}/mail/olga/Maildir/.Work/dovecot-acl`
    assert.equal(ran.status, 0)
    const lines = ran.out.split('\n')
    assert.equal(lines[1], `r read          yes  user=bob gives it (${path} line 2)`)
    assert.equal(lines[2], `w write         no   user=bob gives others instead (${path} line 2)`)
    assert.equal(lines[3], `${' '.repeat(21)}against: anyone gives it (${path} line 1)`)
    assert.equal(lines.at(-2), 'Rights: lr')
    assert.equal((await runOurs(config, ['acl', 'explain', 'bob', 'shared/olga/Nope'])).status, 68)
  })

  test('who and what are two sides of one thing', async () => {
    writeAcl('Work', 'group=staff lrw\nuser=dave l\n')
    assert.deepEqual(await runOurs(config, ['-f', 'tab', 'acl', 'who', '-u', 'olga', 'Work']), {
      status: 0,
      out: 'Who\tRights\tOwner\nolga\tlrwstipekxa\tyes\nbob\tlrw\t\ncarol\tlrw\t\ndave\tl\t\nadmin\tlr\t\nmembers of staff\tlrw\t\n',
      err: '',
    })
    await runOurs(config, ['acl', 'recalc', '-u', 'olga'])
    const what = await runOurs(config, ['-f', 'tab', 'acl', 'what', 'carol'])
    assert.match(what.out, /^shared\/olga\/Work\tlrw$/m)
    const own = await runOurs(config, ['-f', 'tab', 'acl', 'what', 'olga'])
    assert.match(own.out, /^Work\tlrwstipekxa$/m)
  })

  test('verify finds what was written by hand, recalc puts it right', async () => {
    writeAcl('Work', 'user=multi lr\n')
    const found = await runOurs(config, ['-f', 'tab', 'acl', 'verify', '-u', 'olga'])
    assert.equal(found.status, 1)
    assert.match(found.out, /^acl_shared_dict\tmissing\t.*user\/multi\/olga$/m)
    assert.equal((await runOurs(config, ['acl', 'recalc', '-u', 'olga'])).status, 0)
    assert.deepEqual(await runOurs(config, ['-f', 'tab', 'acl', 'verify', '-u', 'olga']), {
      status: 0,
      out: 'Where\tProblem\tWhat\n',
      err: '',
    })
  })

  test('who is no more shares nothing, and nobody shares with him: verify tells, recalc forgets', async () => {
    writeAcl('Work', 'user=multi lr\nuser=gone lr\n')
    const dict = join(ours, 'mail/shared-mailboxes.db')
    const key = (rest: string): string => `shared/shared-boxes/user/${rest}`
    writeFileSync(dict, ['gone/olga', 'multi/olga', 'bob/gone'].map((rest) => `${key(rest)}\n1\n`).join(''))
    const stale = async (user: string): Promise<string> =>
      (await runOurs(config, ['-f', 'tab', 'acl', 'verify', '-u', user])).out
    assert.match(await stale('olga'), /^acl_shared_dict\tstale\t.*user\/gone\/olga$/m)
    assert.match(await stale('bob'), /^acl_shared_dict\tstale\t.*user\/bob\/gone$/m)
    for (const user of ['olga', 'bob'])
      assert.equal((await runOurs(config, ['acl', 'recalc', '-u', user])).status, 0, user)
    const left = readFileSync(dict, 'utf8')
    assert.ok(left.includes(key('multi/olga')) && !left.includes('gone'), left)
    assert.doesNotMatch((await stale('olga')) + (await stale('bob')), /gone/)
  })

  test('diff tells whose rights would change, a dry run which files, and nothing changes', async () => {
    writeAcl('Work', 'group=staff lrw\n')
    makeMaildir(join(ours, 'mail/olga/Maildir/.Work.Sub'))
    const change = ['Work', 'group=staff', 'lookup']
    const diff = await runOurs(config, ['-f', 'tab', 'acl', 'diff', '-u', 'olga', ...change])
    assert.equal(
      diff.out,
      'Mailbox\tWho\tBefore\tAfter\nWork\tbob\tlrw\tl\nWork\tcarol\tlrw\tl\nWork\tmembers of staff\tlrw\tl\n',
    )
    const dry = await runOurs(config, [
      '-f',
      'tab',
      'acl',
      'set',
      '-u',
      'olga',
      '--recursive',
      '--dry-run',
      '--until=2030-01-01',
      ...change,
    ])
    assert.equal(
      dry.out,
      'Mailbox\tBefore\tAfter\nWork\tgroup=staff lrw\tgroup=staff l :until=2030-01-01T23:59:59Z\nWork/Sub\t\tgroup=staff l :until=2030-01-01T23:59:59Z\n',
    )
    assert.equal(readAcl('Work'), 'group=staff lrw\n')
    const set = ['acl', 'set', '-u', 'olga', '--recursive', '--until', '2030-01-01', ...change]
    assert.equal((await runOurs(config, set)).status, 0)
    for (const name of ['Work', 'Work.Sub']) assert.equal(readAcl(name), 'group=staff l :until=2030-01-01T23:59:59Z\n')
    assert.equal((await runOurs(config, ['acl', 'set', '-u', 'olga', '--until', 'soon', ...change])).status, 64)
  })

  test('live inheritance may be that of one namespace, and every question knows it', async () => {
    writeAcl('Team', 'user=bob lr\n')
    for (const name of ['Team.Sub', 'Team.Own', 'Team.Own.Sub']) makeMaildir(join(ours, `mail/olga/Maildir/.${name}`))
    writeAcl('Team.Own', 'user=bob l\n')
    const inheriting = (...namespaces: readonly string[]): string => {
      const path = join(ours, `live-${namespaces.join('-')}.conf`)
      const rows = namespaces.map((name) => `  acl_inherit_${name} = live\n`).join('')
      writeFileSync(path, readFileSync(config, 'utf8').replace('plugin {\n', `plugin {\n${rows}`))
      return path
    }
    const own = inheriting('inbox')
    const diff = await runOurs(own, ['-f', 'tab', 'acl', 'diff', '-u', 'olga', 'Team', 'user=bob', 'lookup', 'insert'])
    const rows = ['Team\tbob\tlr\tli', 'Team/Sub\tbob\tlr\tli']
    assert.equal(diff.out, ['Mailbox\tWho\tBefore\tAfter', ...rows, ''].join('\n'))
    for (const [mailbox, rights] of [
      ['Team/Sub', 'lr'],
      ['Team/Own/Sub', 'l'],
    ] as const) {
      const { out } = await runOurs(own, ['-f', 'tab', 'acl', 'who', '-u', 'olga', mailbox])
      assert.match(out, new RegExp(`^bob\t${rights}\t`, 'm'), mailbox)
    }
    const reach = async (path: string): Promise<string> =>
      (await runOurs(path, ['-f', 'tab', 'acl', 'what', 'bob'])).out
    await runOurs(own, ['acl', 'recalc', '-u', 'olga'])
    assert.doesNotMatch(await reach(own), /Team\/Sub/, 'in the shared namespace nothing is inherited')
    const both = inheriting('inbox', 'shared')
    assert.match(await reach(both), /Team\/Sub\tlr$/m)
    const explained = await runOurs(both, ['acl', 'explain', 'bob', 'shared/olga/Team/Sub'])
    assert.match(explained.out, /user=bob gives it \(.*\.Team\/dovecot-acl line 1\)/)
    assert.match(explained.err, /Info: acl_inherit = live/)
  })

  test('recalc takes out grants that have ended', async () => {
    writeAcl('Work', 'user=bob lr :until=2020-01-01\nuser=dave l\n')
    assert.equal((await runOurs(config, ['acl', 'recalc', '-u', 'olga'])).status, 0)
    assert.equal(readAcl('Work'), 'user=dave l\n')
  })

  test('postern acl is doveadm acl', async () => {
    const ran = await runPostern(['acl', 'explain', 'olga', 'Closed', '-c', config])
    assert.deepEqual([ran.status, ran.err], [0, ''])
    assert.match(ran.out, /^l lookup {8}yes {2}the owner has every right$/m)
    assert.match(ran.out, /^Rights: lrwstipekxa$/m)
  })

  function readAcl(name: string): string {
    return readFileSync(join(ours, `mail/olga/Maildir/.${name}/dovecot-acl`), 'latin1')
  }

  function writeAcl(name: string, text: string): void {
    mkdirSync(join(ours, `mail/olga/Maildir/.${name}`), { recursive: true })
    writeFileSync(join(ours, `mail/olga/Maildir/.${name}/dovecot-acl`), text)
  }
})

function comparable({ status, out, err }: CommandRun, dir: string): readonly unknown[] {
  return [status, out, err.trim().replaceAll(dir, 'DIR').split('\n').toSorted()]
}
