import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { aclConfig, giveToMail, makeMaildir } from './acl-config.ts'
import { type AclSession, loginImap } from './dovecot-acl-server.ts'

/** Bad things in place of olga's `.NAME/dovecot-acl`, and what the log says of them; `undefined`: it is as good as any. */
const BAD: readonly (readonly [name: string, put: (path: string) => void, log: RegExp | undefined])[] = [
  ['Quoting', (path) => writeFileSync(path, 'user=bob lr\n"user=x'), /dovecot-acl line 2: Invalid quoted ID/],
  ['Word', (path) => writeFileSync(path, 'bob lr\n'), /dovecot-acl line 1: Unknown ID 'bob'/],
  ['Nul', (path) => writeFileSync(path, 'user=bob lr\nuser=dave l\0r\n'), /dovecot-acl line 2: NUL character/],
  ['Long', (path) => writeFileSync(path, Buffer.alloc(1 << 20, 'x')), /dovecot-acl line 1: Line is longer/],
  ['Directory', (path) => mkdirSync(path), /dovecot-acl: Is a directory/],
  ['Link', (path) => symlinkSync('../.Good/dovecot-acl', path), /dovecot-acl: Is a symbolic link/],
  ['Unreadable', writeSecret, /dovecot-acl: Permission denied/],
  ['Crlf', (path) => writeFileSync(path, 'user=bob lr\r\nuser=dave l\r\n'), undefined],
]

const isRoot = process.getuid?.() === 0

describe('bad files and bad words, on the wire', { skip: !isRoot && 'the mail belongs to the user mail' }, () => {
  let server: Started
  before(async () => {
    server = await startPostern((place) => aclConfig(place, { prepare: fill, more: 'postern_workers = 2\n' }))
    // Owners that are no users of the mail come last: all of it was given to mail.
    const path = aclOf('Unreadable')
    chownSync(path, 0, 0)
    chmodSync(path, 0o600)
  })
  after(() => server.stop())

  for (const [name, , log] of BAD) {
    test(`${name}: ${log === undefined ? 'nothing is wrong' : 'closed to others, an error for the owner, logged'}`, async () => {
      const [olga, bob] = await Promise.all(['olga', 'bob'].map((user) => loginImap(server, user)))
      assert.ok(olga && bob)
      const theirs = await tagged(bob, `SELECT shared/olga/${name}`, `GETACL shared/olga/${name}`)
      const hers = await tagged(olga, `STATUS ${name} (MESSAGES)`, `SETACL ${name} dave lr`)
      await Promise.all([olga.logout(), bob.logout()])
      if (log === undefined) {
        assert.match(theirs[0] ?? '', /^OK \[READ-ONLY\]/)
        assert.deepEqual(hers, ['OK Status completed', 'OK Setacl complete'])
        return
      }
      assert.deepEqual(theirs, [
        `NO Mailbox doesn't exist: shared/olga/${name}`,
        `NO [NONEXISTENT] Mailbox doesn't exist: shared/olga/${name}`,
      ])
      for (const line of hers) assert.match(line, /^NO /)
      await server.waitForLog(log)
    })
  }

  test('LIST goes on: bob sees what is in order, olga everything', async () => {
    const bob = await loginImap(server, 'bob')
    const [shared] = await bob.run(['LIST "" shared/olga/*'])
    await bob.logout()
    assert.equal(shared?.tagged, 'OK List completed')
    assert.deepEqual(names(shared?.untagged), ['shared/olga/Crlf', 'shared/olga/Good'])
    const olga = await loginImap(server, 'olga')
    const [own] = await olga.run(['LIST "" *'])
    await olga.logout()
    for (const [name, , log] of BAD)
      if (name !== 'Unreadable') assert.ok(names(own?.untagged).includes(name), `${name} ${String(log)}`)
  })

  test('identifiers of all kinds are words, not lines or paths', async () => {
    const olga = await loginImap(server, 'olga')
    const odd = [
      'two words',
      '../../../etc/passwd',
      'a"b\\c',
      "o'neil",
      'user=x',
      '/',
      ' ',
      '\u{1F600}',
      '#',
      '-',
      '$',
      '!$',
    ]
    for (const id of odd) await olga.run([`SETACL Odd ${literal(id)} l`])
    const [acl] = await olga.run(['GETACL Odd'])
    assert.equal(acl?.tagged, 'OK Getacl completed')
    for (const id of ['a\nuser=dave lrwstipekxa', 'a\rb', 'a\u0001b', 'x'.repeat(1025)])
      assert.deepEqual(await tagged(olga, `SETACL Odd ${literal(id)} l`), [
        'BAD Error in IMAP command SETACL: Invalid identifier',
      ])
    await olga.logout()
    const lines = readFileSync(aclOf('Odd'), 'utf8').trimEnd().split('\n')
    assert.ok(
      lines.every((line) => / ?(l|)$/.test(line)),
      lines.join('|'),
    )
    assert.ok(!lines.some((line) => line.includes('dave')))
    assert.equal(existsSync(join(server.dir, 'etc')), false)
    const dave = await loginImap(server, 'dave')
    assert.match((await tagged(dave, 'SELECT shared/olga/Odd'))[0] ?? '', /^NO Mailbox doesn't exist/)
    await dave.logout()
  })

  test('SETACL by two clients at once loses neither', async () => {
    const clients = await Promise.all([1, 2].map(() => loginImap(server, 'olga')))
    await Promise.all(
      clients.map((client, number) =>
        client.run(Array.from({ length: 20 }, (_, at) => `SETACL Race user${number}-${at} lr`)),
      ),
    )
    await Promise.all(clients.map((client) => client.logout()))
    const lines = readFileSync(aclOf('Race'), 'utf8').trimEnd().split('\n')
    assert.equal(lines.length, 40, lines.join('\n'))
    const left = clients.flatMap((_, number) => lines.filter((line) => line.startsWith(`user=user${number}-`)).length)
    assert.deepEqual(left, [20, 20])
  })

  test('who may not read any more is told so at the next command, in a mailbox that he has open', async () => {
    const [olga, bob] = await Promise.all(['olga', 'bob'].map((user) => loginImap(server, user)))
    assert.ok(olga && bob)
    await olga.run(['SETACL Good bob lrs'])
    assert.match((await tagged(bob, 'SELECT shared/olga/Good'))[0] ?? '', /^OK \[READ-WRITE\]/)
    await olga.run(['SETACL Good bob lr'])
    const [store, fetched] = await bob.run(['STORE 1 +FLAGS (\\Seen)', 'FETCH 1 FLAGS'])
    assert.equal(store?.tagged, 'OK Store completed')
    assert.ok(!/\\Seen/.test(fetched?.untagged.join() ?? ''), 'what he may change is judged anew')
    await olga.run(['DELETEACL Good bob'])
    const lost = 'NO [NOPERM] Permission denied: This mailbox may no longer be read'
    for (const command of ['FETCH 1 BODY.PEEK[]', 'FETCH 1 FLAGS', 'SEARCH ALL', 'STORE 1 +FLAGS (\\Seen)']) {
      const [answer] = await bob.run([command])
      assert.deepEqual(answer, { untagged: [], tagged: lost }, command)
    }
    assert.match((await tagged(bob, 'STATUS shared/olga/Good (MESSAGES)'))[0] ?? '', /^NO /)
    await olga.logout()
  })

  function aclOf(name: string): string {
    return join(server.dir, 'mail/olga/Maildir', `.${name}`, 'dovecot-acl')
  }
})

function fill(dir: string): void {
  const root = join(dir, 'mail/olga/Maildir')
  for (const name of [...BAD.map(([one]) => one), 'Good', 'Odd', 'Race']) makeMaildir(join(root, `.${name}`))
  for (const [name, put] of BAD) put(join(root, `.${name}`, 'dovecot-acl'))
  writeFileSync(join(root, '.Good/dovecot-acl'), 'user=bob lr\n')
  writeFileSync(join(root, '.Good/cur/1700000001.P1.test:2,'), 'Subject: t\n\nx\n')
  const keys = ['user/bob/olga'].map((key) => `shared/shared-boxes/${key}\n1\n`)
  writeFileSync(join(dir, 'mail/shared-mailboxes.db'), keys.join(''))
  giveToMail(join(root, '.Good'))
}

function writeSecret(path: string): void {
  writeFileSync(path, 'user=bob lr\n')
}

async function tagged(session: AclSession, ...commands: readonly string[]): Promise<readonly string[]> {
  return (await session.run(commands)).map((answer) => answer.tagged)
}

function names(lines: readonly string[] = []): readonly string[] {
  return lines
    .filter((line) => !line.includes('\\Noselect'))
    .map((line) => line.replace(/^.* /, ''))
    .toSorted()
}

function literal(text: string): string {
  return `{${Buffer.byteLength(text)}+}\r\n${text}`
}
