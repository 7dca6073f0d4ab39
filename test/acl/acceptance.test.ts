import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { FileSharedDict } from '../../src/acl/visibility/file-dict.ts'
import { SHARED_BOXES } from '../../src/acl/visibility/shared-keys.ts'
import type { ConfigText } from '../peers/config-text.ts'
import { startDovecot } from '../peers/dovecot.ts'
import { skipWithout } from '../peers/peers.ts'
import { startPostern } from '../peers/postern.ts'
import type { Started } from '../peers/started.ts'
import { ACL_CASES } from './acceptance-cases.ts'
import { aclConfig, giveToMail, makeMaildir } from './acl-config.ts'
import { type AclSession, loginImap } from './dovecot-acl-server.ts'

const LIST_MYRIGHTS = 'LIST RETURN (MYRIGHTS) tells the rights on each mailbox that is listed'

const READERS = 'somebody who may only read takes no \\Recent, and is told of no \\Seen that he may not set'

/** Every case has a domain, and so users and mail, of its own. */
const DOMAINS = new Map([...Object.keys(ACL_CASES), LIST_MYRIGHTS, READERS].map((name, at) => [name, `case${at}.test`]))

describe('ACLs: Postern says what Dovecot says', { skip: skipWithout('dovecot-imapd'), concurrency: 4 }, () => {
  let servers: readonly Started[] = []
  before(async () => {
    servers = await Promise.all([startDovecot(configOf), startPostern(configOf)])
  })
  after(() => Promise.all(servers.map((server) => server.stop())))

  for (const [name, steps] of Object.entries(ACL_CASES)) {
    test(name, async () => {
      const domain = DOMAINS.get(name) ?? assert.fail(name)
      const [theirs, ours] = await Promise.all(servers.map((server) => converse(server, domain, steps)))
      assert.deepEqual(ours, theirs)
      const [theirFiles, ourFiles] = servers.map(({ dir }) => aclFiles(join(dir, 'mail', domain)))
      assert.deepEqual(ourFiles, theirFiles, 'files')
      const [theirKeys, ourKeys] = await Promise.all(servers.map(({ dir }) => sharedKeys(dir, domain)))
      assert.deepEqual(ourKeys, theirKeys, 'acl_shared_dict')
    })
  }

  test(LIST_MYRIGHTS, async () => {
    const [, ours = assert.fail()] = servers
    const domain = DOMAINS.get(LIST_MYRIGHTS) ?? assert.fail()
    const olga = await loginImap(ours, fullName('olga', domain))
    await olga.run([
      'CREATE Rights',
      'CREATE Rights/Sub',
      `SETACL Rights/Sub bob@${domain} lr`,
      `SETACL Rights bob@${domain} r`,
    ])
    const [own] = await olga.run(['LIST "" Rights RETURN (MYRIGHTS)'])
    assert.deepEqual(own?.untagged, ['* LIST () "/" Rights', '* MYRIGHTS Rights lrwstipekxacd'])
    await olga.logout()
    const bob = await loginImap(ours, fullName('bob', domain))
    const [shared] = await bob.run([`LIST "" (shared/olga@${domain}/Rights*) RETURN (MYRIGHTS)`])
    await bob.logout()
    const lines = (shared?.untagged ?? []).filter((line) => line.startsWith('* MYRIGHTS'))
    assert.deepEqual(lines, [`* MYRIGHTS shared/olga@${domain}/Rights/Sub lr`])
  })

  test(READERS, async () => {
    const domain = DOMAINS.get(READERS) ?? assert.fail()
    const shared = `shared/olga@${domain}/Work`
    const heard = await Promise.all(
      servers.map(async (server) => {
        const olga = await loginImap(server, fullName('olga', domain))
        await olga.run(['CREATE Work', `SETACL Work bob@${domain} lr`, `SETACL Work carol@${domain} lrw`])
        await olga.run(['APPEND Work () {14+}\r\nSubject: t\r\n\r\n'])
        await olga.logout()
        const bob = await loginImap(server, fullName('bob', domain))
        await bob.run([`SELECT ${shared}`])
        await bob.run(['UNSELECT'])
        const [left] = await bob.run([`STATUS ${shared} (RECENT)`])
        await bob.logout()
        const carol = await loginImap(server, fullName('carol', domain))
        await carol.run([`SELECT ${shared}`])
        const [fetched] = await carol.run(['FETCH 1 BODY[TEXT]'])
        const [flags] = await carol.run(['FETCH 1 FLAGS'])
        await carol.logout()
        const isSeen = [fetched, flags].map((answer) => /\\Seen/.test(answer?.untagged.join(' ') ?? ''))
        return { recent: /RECENT (\d+)/.exec(left?.untagged[0] ?? '')?.[1], isSeen }
      }),
    )
    assert.deepEqual(heard, [
      { recent: '0', isSeen: [true, false] },
      { recent: '1', isSeen: [false, false] },
    ])
  })

  test('the capability is told after the login', async () => {
    for (const server of servers) {
      const session = await loginImap(server, fullName('olga', DOMAINS.values().next().value ?? assert.fail()))
      const [answer] = await session.run(['CAPABILITY'])
      await session.logout()
      assert.match(answer?.untagged.join(' ') ?? '', / ACL RIGHTS=texk( |$)/)
    }
  })
})

/** Says everything, and tells what was answered to each line. */
async function converse(server: Started, domain: string, steps: readonly string[]): Promise<readonly string[]> {
  let speaker: { readonly user: string; readonly session: AclSession } | undefined
  const heard: string[] = []
  for (const step of steps) {
    const [, path, content] = /^([A-Z]+\/\S+) = (.*)$/s.exec(step) ?? []
    if (path !== undefined && content !== undefined) {
      writeAcl(server.dir, domain, path, content)
      continue
    }
    const [, user = '', command = ''] = /^([^:]+): (.*)$/s.exec(step) ?? []
    if (speaker?.user !== user) {
      await speaker?.session.logout()
      speaker = { user, session: await loginImap(server, fullName(user, domain), user.includes('*') ? 'mpw' : 'pw') }
    }
    const [answer] = await speaker.session.run([inDomain(command, domain)])
    const lines = [...(answer?.untagged ?? []).filter(isCompared).toSorted(), answer?.tagged ?? '']
    heard.push(`${step}\n  ${lines.map((line) => withoutDomain(line, domain)).join('\n  ')}`)
  }
  await speaker?.session.logout()
  return heard
}

/** The dovecot-acl files below a directory, by path. */
function aclFiles(dir: string): readonly string[] {
  const paths = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('/dovecot-acl'))
  return paths.toSorted().map((path) => `${path}: ${readFileSync(join(dir, path), 'utf8')}`)
}

async function sharedKeys(dir: string, domain: string): Promise<readonly string[]> {
  const dict = new FileSharedDict(join(dir, 'mail', domain, 'shared-mailboxes.db'), Date.now)
  return (await dict.keys(SHARED_BOXES)).toSorted()
}

/** Users are written without their domain. */
function inDomain(command: string, domain: string): string {
  const names = command
    .replaceAll(/\bS\//g, `shared/olga@${domain}/`)
    .replaceAll(/shared\/olga(?!@)/g, `shared/olga@${domain}`)
  if (!/^(SETACL|DELETEACL|LISTRIGHTS) /.test(command)) return names
  return names.replaceAll(/(?<= -?)(olga|bob|carol|dave|multi)(?= |$)/g, `$1@${domain}`)
}

function withoutDomain(line: string, domain: string): string {
  return line
    .replaceAll(`@${domain}`, '')
    .replace(/UIDVALIDITY \d+/, 'UIDVALIDITY v')
    .replace(/(APPENDUID|COPYUID) \d+/, '$1 v')
}

/** What SELECT says of the state of a mailbox is others' business. */
function isCompared(line: string): boolean {
  return !/^\* (\d+ (EXISTS|RECENT)|OK \[(UIDVALIDITY|UIDNEXT|UNSEEN|HIGHESTMODSEQ|CLOSED))/.test(line)
}

function fullName(user: string, domain: string): string {
  const [name = '', master] = user.split('*')
  return master === undefined ? `${name}@${domain}` : `${name}@${domain}*${master}`
}

function writeAcl(dir: string, domain: string, path: string, content: string): void {
  const [root = '', ...rest] = path.split('/')
  const base =
    { MAIL: `mail/${domain}/olga/Maildir`, PUB: `mail/pub/${domain}`, ACLS: `acls/${domain}` }[root] ??
    assert.fail(path)
  const file = join(dir, base, ...rest)
  if (root === 'PUB' && rest.length > 1) makeMaildir(dirname(file))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${content.replaceAll('/', '\n')}\n`)
  if (root !== 'ACLS') giveToMail(dirname(file))
}

const configOf: ConfigText = (place) => aclConfig(place, { domains: DOMAINS.values() })
