import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { AclAccess } from '../../src/acl/access.ts'
import { AclFiles } from '../../src/acl/acl-files.ts'
import { VfileBackend } from '../../src/acl/backends/vfile.ts'
import { DoveadmAcl, DoveadmAclFailure, type DoveadmMailbox } from '../../src/acl/doveadm/commands.ts'
import { DoveadmAclUsage, type DoveadmAclMode, parseDoveadmChange } from '../../src/acl/doveadm/words.ts'
import { openGlobalAcl } from '../../src/acl/global.ts'
import { type AclNamespace, locateAcls } from '../../src/acl/namespace.ts'
import { FileSharedDict } from '../../src/acl/visibility/file-dict.ts'
import { AclVisibility } from '../../src/acl/visibility/visibility.ts'
import { skipWithout } from '../peers/peers.ts'
import type { Started } from '../peers/started.ts'
import { PATIENCE_MS } from '../support/deadline.ts'
import { ACL_USERS, makeMaildir } from './acl-config.ts'
import { startAclDovecot } from './dovecot-acl-server.ts'
import { aclSettings, maildirLocation } from './mail-tree.ts'

const FILES: Readonly<Record<string, string>> = {
  Work: 'group=staff lrw\nuser=bob lr :custom\n-user=bob w\nowner lrwstipekxa\n',
  Empty: '',
  Closed: 'user=dave lr\n',
}

const CHANGES: readonly (readonly [mode: DoveadmAclMode, id: string, ...words: string[]])[] = [
  ['set', 'user=bob', 'lookup', 'read'],
  ['add', 'user=bob', 'admin', '-write'],
  ['remove', 'user=bob', 'read'],
  ['set', 'group=my group', 'all'],
  ['set', 'anyone', '-lookup'],
  ['add', 'owner', ':plugin'],
  ['delete', 'group=staff'],
  ['remove', 'user=dave', 'lookup', 'read'],
  ['set', 'user=bob', 'lr'],
  ['set', 'bob', 'lookup'],
]

describe('doveadm acl prints and writes what Dovecot does', { skip: skipWithout('dovecot-imapd') }, () => {
  let server: Started
  before(async () => {
    server = await startAclDovecot((dir) => {
      for (const [name, content] of Object.entries(FILES)) {
        makeMaildir(join(dir, `mail/olga/Maildir/.${name}`))
        if (content !== '') writeFileSync(join(dir, `mail/olga/Maildir/.${name}/dovecot-acl`), content)
      }
      writeFileSync(join(dir, 'acls/Work'), 'user=admin lr\n')
    })
  })
  after(() => server.stop())

  test('get, rights and debug', async () => {
    const [olga, bob] = await Promise.all([openOurs(server.dir, 'olga'), openOurs(server.dir, 'bob')])
    for (const name of Object.keys(FILES)) {
      const rows = await olga.doveadm.get(olga.own(name), false)
      const text = [
        'ID\tGlobal\tRights',
        ...rows.map(({ id, global, rights }) => [id, global, rights].join('\t')),
      ].join('\n')
      assert.equal(text, (await run(server, ['get', '-u', 'olga', name])).stdout)
      const rights = await bob.doveadm.rights(bob.shared(name))
      assert.equal(
        ['Rights', rights].join('\n').trimEnd(),
        (await run(server, ['rights', '-u', 'bob', `shared/olga/${name}`])).stdout,
      )
    }
    for (const name of ['Work', 'Closed']) {
      const theirs = (await run(server, ['debug', '-u', 'bob', `shared/olga/${name}`])).stderr.replaceAll(
        'doveadm(bob): ',
        '',
      )
      const ours = await bob.doveadm.debug(bob.shared(name))
      assert.equal(ours.map(([level, text]) => `${level === 'info' ? 'Info' : 'Error'}: ${text}`).join('\n'), theirs)
    }
  })

  test('set, add, remove and delete', async () => {
    cpSync(join(server.dir, 'mail/olga'), join(server.dir, 'copy/olga'), { recursive: true })
    const ours = await openOurs(server.dir, 'olga', 'copy')
    for (const [mode, id, ...words] of CHANGES) {
      const theirs = await run(server, [mode, '-u', 'olga', '--', 'Work', id, ...words])
      assert.deepEqual(
        await change(ours.doveadm, ours.own('Work'), mode, id, words),
        theirs,
        `${mode} ${id} ${words.join(' ')}`,
      )
      const file = (root: string) => readFileSync(join(server.dir, root, 'olga/Maildir/.Work/dovecot-acl'), 'utf8')
      assert.equal(file('copy'), file('mail'), `${mode} ${id} ${words.join(' ')}`)
    }
  })
})

interface Output {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

async function run(server: Started, args: readonly string[]): Promise<Output> {
  const conf = join(server.dir, 'dovecot.conf')
  try {
    const { stdout, stderr } = await promisify(execFile)('doveadm', ['-c', conf, '-f', 'tab', 'acl', ...args], {
      timeout: PATIENCE_MS,
    })
    return { stdout: stdout.trimEnd(), stderr: stderr.trimEnd(), code: 0 }
  } catch (error) {
    if (!hasOutput(error)) throw error
    const { stdout, stderr } = error
    return { stdout: stdout.trimEnd(), stderr: stderr.trimEnd(), code: error.code }
  }
}

function hasOutput(error: unknown): error is Output {
  if (typeof error !== 'object' || error === null) return false
  return 'code' in error && typeof error.code === 'number' && 'stdout' in error && 'stderr' in error
}

async function change(
  doveadm: DoveadmAcl,
  mailbox: DoveadmMailbox,
  mode: DoveadmAclMode,
  id: string,
  words: readonly string[],
): Promise<Output> {
  try {
    await doveadm.change(mailbox, parseDoveadmChange(mode, id, words))
    return { stdout: '', stderr: '', code: 0 }
  } catch (error) {
    if (error instanceof DoveadmAclUsage)
      return { stdout: '', stderr: `doveadm(olga): Fatal: ${error.message}`, code: 64 }
    if (error instanceof DoveadmAclFailure)
      return { stdout: '', stderr: `doveadm(olga): Error: ${error.message}`, code: error.exitCode }
    throw error
  }
}

async function openOurs(dir: string, user: string, root = 'mail') {
  const settings = aclSettings({ acl: `vfile:${dir}/acls:cache_secs=0` })
  const files = new AclFiles({ now: Date.now, log: () => undefined })
  const global = await openGlobalAcl(settings.globalPath, { files, cacheMs: 0, isStrict: false })
  const backend = new VfileBackend({ settings, global, files, now: Date.now })
  const identity = { user, loginUser: user, groups: new Set(ACL_USERS[user] ?? []) }
  const access = new AclAccess({ backend, identity, ignoredNamespaces: [] })
  const dict = new FileSharedDict(join(dir, root, 'shared-mailboxes.db'), Date.now)
  const visibility = new AclVisibility({ backend, dict, now: Date.now, log: (_, text) => assert.fail(text) })
  const path = join(dir, root, 'olga/Maildir')
  const mail = (name: string): string => `${path}/.${name}`
  const of = (type: 'private' | 'shared', prefix: string): AclNamespace => ({
    type,
    prefix,
    separator: '/',
    inboxName: 'INBOX',
    inherit: 'copy',
    hasPrivateSeen: false,
    owner: 'olga',
    mailboxes: () => Promise.resolve(Object.keys(FILES)),
    places: locateAcls(
      maildirLocation(path),
      (name) => ({ mail: mail(name), control: mail(name), index: undefined }),
      true,
    ),
  })
  const named =
    (namespace: AclNamespace, hasPrivateSeen: boolean) =>
    (name: string): DoveadmMailbox => ({
      namespace,
      mailbox: name,
      exists: true,
      path: mail(name),
      hasPrivateSeen,
    })
  return {
    doveadm: new DoveadmAcl({ access, visibility, onChange: () => Promise.resolve() }),
    own: named(of('private', ''), false),
    shared: named(of('shared', 'shared/olga/'), true),
  }
}
