import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startPostfix } from '../peers/postfix.ts'
import { skipWithout } from '../peers/peers.ts'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'
import { BothServers, deliveryConfig, noDeliveries } from './both-servers.ts'

/** A Postfix hands mail to `postern deliver` and to dovecot-lda by pipe(8): what becomes of it is the same. */

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'postern.js')
/** Postfix tries deferred mail again after minutes; each of these is tried once. */
const PATIENCE_MS = 120_000

const MORE = `mail_plugins = quota
userdb {
  driver = passwd-file
  args = username_format=%u DIR/users
  default_fields = uid=nobody gid=nogroup home=DIR/mail/%u
}
recipient_delimiter = +
lda_mailbox_autocreate = yes
service auth {
  unix_listener auth-userdb {
    mode = 0666
  }
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
}
`

/** Users, and what becomes of mail for them. */
const USERS: readonly { readonly name: string; readonly fields: string; readonly status: string }[] = [
  { name: 'joe', fields: '', status: 'sent' },
  { name: 'full', fields: 'userdb_quota_rule=*:bytes=10', status: 'bounced' },
  { name: 'later', fields: 'userdb_quota_rule=*:bytes=10 userdb_quota_full_tempfail=yes', status: 'deferred' },
]

/** A transport of master.cf for each command, as their manuals have it. */
function transports(theirs: Started, ours: Started): string {
  const options = '-f ${sender} -a ${original_recipient} -d ${user} -m ${extension}'
  const pipe = (name: string, command: string): string => `${name} unix - n n - - pipe
  flags=DRhu user=nobody argv=${command} -o log_path=/dev/null -e ${options}
`
  return (
    pipe('theirs', `/usr/lib/dovecot/dovecot-lda -c ${theirs.dir}/dovecot.conf`) +
    pipe('ours', `${process.execPath} ${ENTRY} deliver -c ${ours.dir}/dovecot.conf`) +
    pipe('broken', `${process.execPath} ${ENTRY} deliver -c ${ours.dir}/nosuch.conf`)
  )
}

const SETTINGS = `transport_maps = inline:{ {theirs.test=theirs:}, {ours.test=ours:}, {broken.test=broken:}, {sender.test=discard:} }
theirs_destination_recipient_limit = 1
ours_destination_recipient_limit = 1
broken_destination_recipient_limit = 1
recipient_delimiter = +
`

/** The last words of the log about a recipient. */
async function statusOf(postfix: Started, recipient: string): Promise<string> {
  const path = join(postfix.dir, 'maillog')
  for (const late = Date.now() + PATIENCE_MS; Date.now() < late; ) {
    const line = readFileSync(path, 'utf8')
      .split('\n')
      .find((text) => text.includes(` to=<${recipient}>`) && text.includes(' status='))
    if (line !== undefined) return line.slice(line.indexOf(' status=') + 1)
    await pause(50)
  }
  throw new Error(`nothing became of mail for ${recipient}:\n${readFileSync(path, 'utf8')}`)
}

function mailOf({ dir }: Started, box: string): readonly string[] {
  const path = join(dir, 'mail/joe/Maildir', box, 'new')
  return readdirSync(path).map((name) =>
    readFileSync(join(path, name), 'utf8')
      .replaceAll(/(theirs|ours)\.test/g, 'SIDE.test')
      .replace(/id [0-9A-F]{8,}\n/, 'id ID\n')
      .replace(/; \w{3}, .*/, '; DATE')
      .replace(/\tid [0-9A-F]+; /, '\tid ID; ')
      .replace(/Message-Id: <.*>/, 'Message-Id: <ID>')
      .replace(/with ESMTPS? id \w+/, 'with ESMTP id ID')
      .replace(/by postfix.test \(Postfix\) with \w+ id \w+/, 'by postfix.test (Postfix) id ID'),
  )
}

const why = noDeliveries || skipWithout('postfix')

describe('a pipe of Postfix', { skip: why }, () => {
  const both = new BothServers((place) => {
    const users = USERS.map(({ name, fields }) => `${name}:::::::${fields}\n`)
    writeFileSync(join(place.dir, 'users'), users.join(''))
    // Whoever runs the pipe reads the configuration and the users.
    chmodSync(join(place.dir, 'users'), 0o644)
    chmodSync(place.dir, 0o755)
    const text = deliveryConfig(place, MORE.replaceAll('DIR', place.dir))
    return text.replace(/userdb \{\n {2}driver = static\n.*\n\}\n/, '')
  })
  let postfix: Started
  before(async () => {
    const [theirs, ours] = await both.do((server) => server)
    postfix = await startPostfix(1, { settings: SETTINGS, services: transports(theirs, ours) })
  })
  after(async () => await postfix?.stop())

  test('delivers, bounces and tries again as with dovecot-lda', async () => {
    const wire = await connectRaw({ port: postfix.ports['smtp'] ?? 0, name: 'smtp' })
    const say = async (...lines: string[]): Promise<string> => {
      wire.send(...lines)
      return (await wire.linesUntil(/^\d\d\d /)).at(-1) ?? ''
    }
    await wire.line()
    await say('EHLO client.test')
    await say('MAIL FROM:<s@sender.test>')
    const names = [...USERS.map(({ name }) => name), 'Joe+Box', 'nobody']
    const recipients = ['theirs', 'ours'].flatMap((side) => names.map((name) => `${name}@${side}.test`))
    for (const recipient of [...recipients, 'joe@broken.test'])
      assert.match(await say(`RCPT TO:<${recipient}>`), /^250/)
    await say('DATA')
    assert.match(await say('Subject: piped', '', 'From here', '..dot', '.'), /^250/)
    wire.destroy()
    for (const name of names) {
      const [theirs, ours] = await Promise.all(
        ['theirs', 'ours'].map((side) => statusOf(postfix, `${name}@${side}.test`)),
      )
      assert.equal(comparable(ours ?? ''), comparable(theirs ?? ''), name)
      const wanted = USERS.find((user) => user.name === name)?.status ?? (name === 'nobody' ? 'bounced' : 'sent')
      assert.equal(/^status=(\w+)/.exec(ours ?? '')?.[1], wanted, ours)
    }
    assert.match(await statusOf(postfix, 'joe@broken.test'), /^status=deferred/)
    for (const box of ['', '.box']) {
      const [theirs, ours] = await both.do((server) => mailOf(server, box))
      assert.deepEqual(ours, theirs)
      assert.equal(ours.length, 1)
    }
  })
})

/** Without the names of programs. */
function comparable(status: string): string {
  return status.replace(/(theirs|ours)/g, 'SIDE').replace(/"[^"]*(dovecot-lda|node)"/, 'PROGRAM')
}
