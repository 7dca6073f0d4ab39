import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AclAccess } from '../../src/acl/access.ts'
import { AclFiles } from '../../src/acl/acl-files.ts'
import { VfileBackend } from '../../src/acl/backends/vfile.ts'
import { openGlobalAcl } from '../../src/acl/global.ts'
import { AclCommands, type AclReply } from '../../src/acl/imap/commands.ts'
import { type AclNamespace, locateAcls } from '../../src/acl/namespace.ts'
import { findShared, parseAclList } from '../../src/acl/visibility/acl-list.ts'
import { FileSharedDict } from '../../src/acl/visibility/file-dict.ts'
import { isFrom, SHARED_BOXES, sharedKeys } from '../../src/acl/visibility/shared-keys.ts'
import { skipWithout } from '../peers/peers.ts'
import type { Started } from '../peers/started.ts'
import { ACL_USERS, makeMaildir } from './acl-config.ts'
import { type ImapAnswer, loginImap, startAclDovecot } from './dovecot-acl-server.ts'
import { generateAclFile, randomSource } from './generated-acls.ts'
import { aclSettings, maildirLocation } from './mail-tree.ts'

const MAILBOXES = 200
const PUBLIC_MAILBOXES = 60
const SEED = 20_261_122

/** Generated files: path below the server's directory and content. */
function generate(): ReadonlyMap<string, string> {
  const random = randomSource(SEED)
  const files = new Map<string, string>()
  for (let at = 0; at < MAILBOXES; at += 1) {
    files.set(`mail/olga/Maildir/.m${at}/dovecot-acl`, generateAclFile(random))
    if (random(5) === 0) files.set(`acls/m${at}`, generateAclFile(random))
    if (random(5) === 0) files.set(`acls/shared/olga/m${at}`, generateAclFile(random))
  }
  for (let at = 0; at < PUBLIC_MAILBOXES; at += 1) {
    const content = generateAclFile(random)
    if (content !== '') files.set(`mail/pub/.p${at}/dovecot-acl`, content)
    if (random(5) === 0) files.set(`acls/Public/p${at}`, generateAclFile(random))
  }
  files.set('mail/pub/dovecot-acl', 'anyone l\ngroup=staff lr\n-user=dave l\n')
  files.set('acls/.DEFAULT', 'user=multi lk\nowner lrwstipexa\n')
  return files
}

describe('rights and replies are those of Dovecot', { skip: skipWithout('dovecot-imapd') }, () => {
  let server: Started
  before(async () => {
    server = await startAclDovecot((dir) => {
      for (let at = 0; at < MAILBOXES; at += 1) makeMaildir(join(dir, `mail/olga/Maildir/.m${at}`))
      for (let at = 0; at < PUBLIC_MAILBOXES; at += 1) makeMaildir(join(dir, `mail/pub/.p${at}`))
      for (let at = 0; at < 12; at += 1) makeMaildir(join(dir, `mail/dave/Maildir/.s${at}`))
      for (const [path, content] of generate()) {
        mkdirSync(dirname(join(dir, path)), { recursive: true })
        writeFileSync(join(dir, path), content)
      }
    })
  })
  after(() => server.stop())

  for (const user of Object.keys(ACL_USERS)) {
    test(`what ${user} may do by ${MAILBOXES + PUBLIC_MAILBOXES} generated files`, async () => {
      const ours = await openOurs(server.dir, user, 'olga')
      const own = user === 'olga'
      const names = Array.from({ length: MAILBOXES }, (_, at) => `m${at}`)
      const publicNames = Array.from({ length: PUBLIC_MAILBOXES }, (_, at) => `p${at}`)
      const typed = [
        ...names.map((name) => (own ? name : `shared/olga/${name}`)),
        ...publicNames.map((name) => `Public/${name}`),
      ]
      const session = await loginImap(server, user)
      const answers = await session.run(typed.map((name) => `MYRIGHTS ${name}`))
      await session.logout()
      const expected = await Promise.all(
        [...names, ...publicNames].map(async (mailbox, at) => {
          const namespace = mailbox.startsWith('p') ? ours.public : own ? ours.private : ours.shared
          return asAnswer(
            'MYRIGHTS',
            typed[at] ?? '',
            await ours.commands.myRights({ namespace, mailbox, typed: typed[at] ?? '', isSelectable: true }),
          )
        }),
      )
      // A broken file is an internal error to all in Dovecot; here to the owner only, others must not learn of the mailbox.
      const comparable = answers.map((answer, at) =>
        own && at < MAILBOXES ? answer : hiddenIfBroken(answer, typed[at] ?? ''),
      )
      assert.deepEqual(label(typed, expected), label(typed, comparable))
    })
  }

  test('a master user in somebody’s private mail has what entries give his own name', async () => {
    const ours = await openOurs(server.dir, 'admin', 'olga')
    const names = Array.from({ length: 60 }, (_, at) => `m${at}`)
    const session = await loginImap(server, 'olga*admin', 'mpw')
    const answers = await session.run(names.map((name) => `MYRIGHTS ${name}`))
    await session.logout()
    const expected = await Promise.all(
      names.map(async (mailbox) =>
        asAnswer(
          'MYRIGHTS',
          mailbox,
          await ours.commands.myRights({ namespace: ours.private, mailbox, typed: mailbox, isSelectable: true }),
        ),
      ),
    )
    assert.deepEqual(
      label(names, expected),
      label(
        names,
        answers.map((answer, at) => hiddenIfBroken(answer, names[at] ?? '')),
      ),
    )
  })

  test('generated SETACL, DELETEACL and GETACL: replies and files', async () => {
    const random = randomSource(SEED + 1)
    const ours = await openOurs(server.dir, 'dave', 'dave', 'copy')
    const session = await loginImap(server, 'dave')
    for (let box = 0; box < 12; box += 1) {
      const mailbox = `s${box}`
      const commands = Array.from({ length: 30 }, () => generateCommand(random, mailbox))
      const answers = await session.run(commands.map(({ text }) => text))
      for (const [at, command] of commands.entries()) {
        const reply = await command.run(ours.commands, {
          namespace: ours.private,
          mailbox,
          typed: mailbox,
          isSelectable: true,
        })
        const trail = commands
          .slice(0, at + 1)
          .map(({ text }) => text)
          .join('\n')
        assert.deepEqual(asAnswer('ACL', mailbox, reply, command.name), answers[at], trail)
      }
      const trail = commands.map(({ text }) => text).join('\n')
      assert.equal(
        readOrNone(join(server.dir, `copy/dave/Maildir/.${mailbox}/dovecot-acl`)),
        readOrNone(join(server.dir, `mail/dave/Maildir/.${mailbox}/dovecot-acl`)),
        trail,
      )
    }
    await session.logout()
  })

  test('what Dovecot wrote about visibility holds ours', async () => {
    const ours = await openOurs(server.dir, 'dave', 'dave')
    const mailboxes = Array.from({ length: 12 }, (_, at) => `s${at}`)
    const namespace = { ...ours.private, mailboxes: () => Promise.resolve(mailboxes) }
    // Dovecot forgets to rebuild it when a right is replaced away; without the file it has to.
    rmSync(join(server.dir, 'mail/dave/Maildir/dovecot-acl-list'))
    const session = await loginImap(server, 'dave')
    await session.run(['MYRIGHTS s0', 'SETACL s0 bob +l', 'SETACL s0 bob -l'])
    await session.logout()
    const shared = await findShared(namespace, ours.backend)
    assert.ok(shared.length > 0)
    // Dovecot's has every mailbox with entries, and looks at each when it lists; ours those that somebody else may see.
    const listed = parseAclList(readFileSync(join(server.dir, 'mail/dave/Maildir/dovecot-acl-list')))
    const names = new Set(listed?.map(({ name }) => name))
    assert.deepEqual(
      shared.filter(({ mailbox }) => !names.has(mailbox)),
      [],
    )
    const dict = new FileSharedDict(join(server.dir, 'mail/shared-mailboxes.db'), Date.now)
    const keys = (await dict.keys(SHARED_BOXES)).filter((key) => isFrom(key, 'dave'))
    assert.deepEqual(keys.toSorted(), [...sharedKeys('dave', shared)].toSorted())
  })
})

interface Command {
  readonly name: string
  readonly text: string
  readonly run: (commands: AclCommands, mailbox: Parameters<AclCommands['getAcl']>[0]) => Promise<AclReply>
}

function generateCommand(random: (below: number) => number, mailbox: string): Command {
  const pick = <Value>(values: readonly Value[]): Value => values[random(values.length)] as Value
  const id = pick([
    'bob',
    'bob',
    'dave',
    'owner',
    '$staff',
    '!$off',
    'x y',
    'anonymous',
    '-bob',
    '-$staff',
    'o"q\\',
    "o'q x",
    'anyone',
    '-authenticated',
    '#bob',
    '-#bob',
    '!x',
    '$',
    '-',
  ])
  const rights = pick([
    '',
    'l',
    'lr',
    'lrs',
    '+s',
    '+',
    '-',
    '-l',
    '-lrs',
    '-a',
    '+a',
    'cd',
    '+c',
    '-d',
    'lrwstipekxacd',
    'lrz',
    '+L',
    'ra',
  ])
  const kind = random(10)
  if (kind < 3) return { name: 'GETACL', text: `GETACL ${mailbox}`, run: (commands, box) => commands.getAcl(box) }
  if (kind < 5) {
    return {
      name: 'DELETEACL',
      text: `DELETEACL ${mailbox} ${quoted(id)}`,
      run: (commands, box) => commands.deleteAcl(box, id),
    }
  }
  return {
    name: 'SETACL',
    text: `SETACL ${mailbox} ${quoted(id)} ${quoted(rights)}`,
    run: (commands, box) => commands.setAcl(box, id, rights),
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** Our reply as the client would see it, unquoted as far as Dovecot would not quote. */
function asAnswer(name: string, typed: string, reply: AclReply, command = name): ImapAnswer {
  const tagged = (text: string): string => text.replace(/\.$/, '')
  switch (reply.kind) {
    case 'ok': {
      const strings = reply.strings?.map((text) => (/^[^\s"\\(){%*]+$/.test(text) ? text : quoted(text)))
      return {
        untagged: strings === undefined ? [] : [`* ${name} ${[typed, ...strings].join(' ')}`],
        tagged: tagged(`OK ${reply.text}`),
      }
    }
    case 'no':
      return { untagged: [], tagged: tagged(`NO ${reply.code === undefined ? '' : `[${reply.code}] `}${reply.text}`) }
    case 'bad':
      return { untagged: [], tagged: tagged(`BAD Error in IMAP command ${command}: ${reply.text}`) }
  }
}

/** What we say where Dovecot tells everybody that there is a mailbox with a broken file. */
function hiddenIfBroken(answer: ImapAnswer, name: string): ImapAnswer {
  if (!answer.tagged.startsWith('NO Internal error')) return answer
  return { untagged: [], tagged: `NO [NONEXISTENT] Mailbox doesn't exist: ${name}` }
}

function label(names: readonly string[], answers: readonly (ImapAnswer | undefined)[]): readonly string[] {
  return names.map((name, at) => `${name}: ${answers[at]?.untagged.join(' ')} ${answers[at]?.tagged}`)
}

interface Ours {
  readonly backend: VfileBackend
  readonly commands: AclCommands
  readonly private: AclNamespace
  readonly shared: AclNamespace
  readonly public: AclNamespace
}

/** Our session of `user` over the same files; `root` is another directory where ours may write. */
async function openOurs(dir: string, user: string, owner: string, root = 'mail'): Promise<Ours> {
  const settings = aclSettings({ acl: `vfile:${dir}/acls:cache_secs=0`, acl_strict: 'yes' })
  const files = new AclFiles({ now: Date.now, log: () => undefined })
  const global = await openGlobalAcl(settings.globalPath, { files, cacheMs: 0, isStrict: true })
  const backend = new VfileBackend({ settings, global, files, now: Date.now })
  const identity = { user, loginUser: owner, groups: new Set(ACL_USERS[user] ?? []) }
  const access = new AclAccess({ backend, identity, ignoredNamespaces: [] })
  const commands = new AclCommands({
    access,
    allowsAnyone: false,
    onChange: () => Promise.resolve(),
    log: () => undefined,
  })
  const of = (type: AclNamespace['type'], path: string, prefix: string): AclNamespace => {
    const mail = (name: string): string =>
      name === 'INBOX' && type !== 'public' ? path : `${path}/.${name.replaceAll('/', '.')}`
    if (root !== 'mail') for (let at = 0; at < 12; at += 1) makeMaildir(mail(`s${at}`))
    return {
      type,
      prefix,
      separator: '/',
      inboxName: type === 'private' ? 'INBOX' : `${prefix}INBOX`,
      inherit: 'copy',
      hasPrivateSeen: false,
      owner: type === 'public' ? undefined : owner,
      mailboxes: () => Promise.resolve([]),
      places: locateAcls(
        maildirLocation(path),
        (name) => ({ mail: mail(name), control: mail(name), index: undefined }),
        type !== 'public',
      ),
    }
  }
  return {
    backend,
    commands,
    private: of('private', join(dir, root, owner, 'Maildir'), ''),
    shared: of('shared', join(dir, root, owner, 'Maildir'), `shared/${owner}/`),
    public: of('public', join(dir, root, 'pub'), 'Public/'),
  }
}

function readOrNone(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
