import assert from 'node:assert/strict'
import { ImapTalk, mail, type Told } from './imap-talk.ts'

/** Ports where joe (the owner) and jane log in, behind whatever is in front of their backends. */
export interface Cluster {
  readonly joePort: number
  readonly janePort: number
}

/** More than any buffer on the way. */
const LARGE_BYTES = 3_000_000

/** What jane can do with mail of joe that is on another backend. */
export const CONVERSATIONS: Readonly<Record<string, (cluster: Cluster) => Promise<void>>> = {
  'LIST, STATUS and rights are those of the other server, with names as they are here': async (cluster) => {
    const { joe, jane } = await share(cluster, 'Listed', 'lrs')
    await joe.say('CREATE Listed/Hidden')
    await joe.say('SETACL Listed/Hidden jane ""')
    await joe.say('APPEND Listed', mail('one'))
    assert.deepEqual((await jane.say('LIST "" shared/joe/Listed*')).untagged, [
      '* LIST (\\HasNoChildren) "/" shared/joe/Listed',
    ])
    assert.ok((await jane.say('LIST "" *')).untagged.includes('* LIST (\\HasNoChildren) "/" shared/joe/Listed'))
    assert.deepEqual(await jane.say('STATUS shared/joe/Listed (MESSAGES UNSEEN)'), {
      untagged: ['* STATUS shared/joe/Listed (MESSAGES 1 UNSEEN 1)'],
      tagged: 'OK Status completed',
    })
    assert.deepEqual((await jane.say('MYRIGHTS shared/joe/Listed')).untagged, ['* MYRIGHTS shared/joe/Listed lrs'])
    assert.equal(
      (await jane.say('GETACL shared/joe/Listed')).tagged,
      'NO [NOPERM] You lack administrator privileges on this mailbox',
    )
    assert.match(
      (await jane.say('SELECT shared/joe/Listed/Hidden')).tagged,
      /^NO .*Mailbox doesn't exist: shared\/joe\/Listed\/Hidden$/,
    )
    await leave(joe, jane)
  },

  'a large message is read byte by byte as it was stored': async (cluster) => {
    const { joe, jane } = await share(cluster, 'Large', 'lr')
    const text = mail('large', LARGE_BYTES)
    await joe.say('APPEND Large', text)
    assert.match((await jane.say('SELECT shared/joe/Large')).tagged, /^OK \[READ-ONLY\] /)
    const { untagged } = await jane.say('UID FETCH 1 (FLAGS BODY.PEEK[] BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
    const fetched = untagged.join('\n')
    assert.ok(fetched.includes(text), 'the whole message')
    assert.match(fetched, /BODY\[HEADER\.FIELDS \(SUBJECT\)\] \{18\}\r\nSubject: large\r\n\r\n\)$/)
    await leave(joe, jane)
  },

  "flags, searches with literals, expunges: the mailbox is the other server's": async (cluster) => {
    const { joe, jane } = await share(cluster, 'Flags', 'lrwste')
    await joe.say('APPEND Flags', mail('first'))
    await joe.say('APPEND Flags', mail('second'))
    await jane.say('SELECT shared/joe/Flags')
    assert.deepEqual((await jane.say('STORE 1 +FLAGS (\\Flagged $kw)')).untagged.filter(isFetch), [
      '* 1 FETCH (FLAGS (\\Flagged \\Recent $kw))',
    ])
    assert.deepEqual((await jane.say('UID SEARCH SUBJECT', 'second', '')).untagged, ['* SEARCH 2'])
    assert.deepEqual((await jane.say('SEARCH RETURN (COUNT) ALL')).untagged, ['* ESEARCH (TAG "t4") COUNT 2'])
    await jane.say('STORE 2 +FLAGS.SILENT \\Deleted')
    assert.equal((await jane.say('EXPUNGE')).untagged[0], '* 2 EXPUNGE')
    assert.match((await jane.say('FETCH 9 FLAGS')).tagged, /^BAD /)
    assert.equal((await jane.say('UNSELECT')).tagged, 'OK Unselect completed')
    assert.equal((await jane.say('FETCH 1 FLAGS')).tagged, 'BAD No mailbox selected')
    await leave(joe, jane)
  },

  'while jane idles she hears of new mail there': async (cluster) => {
    const { joe, jane } = await share(cluster, 'News', 'lr')
    await jane.say('SELECT shared/joe/News')
    const tag = await jane.idle()
    await joe.say('APPEND News', mail('news'))
    assert.equal(await jane.response(), '* 1 EXISTS')
    jane.wire.send('DONE')
    assert.match((await jane.heard(tag)).tagged, /^OK Idle completed/)
    await leave(joe, jane)
  },

  'SELECT of another mailbox closes the one before, wherever both are': async (cluster) => {
    const { joe, jane } = await share(cluster, 'Before', 'lr')
    await share(cluster, 'Behind', 'lr')
    await jane.say('ENABLE QRESYNC')
    const closed = (told: Told): boolean => told.untagged.some((line) => line.startsWith('* OK [CLOSED]'))
    assert.equal(closed(await jane.say('SELECT INBOX')), false)
    assert.equal(closed(await jane.say('SELECT shared/joe/Before')), true)
    assert.equal(closed(await jane.say('SELECT shared/joe/Behind')), true)
    assert.equal(closed(await jane.say('SELECT INBOX')), true)
    assert.match((await jane.say('FETCH 1:* FLAGS')).tagged, /^(OK|BAD)/)
    const { untagged } = await jane.say('SELECT shared/joe/Before (QRESYNC (1 1))')
    assert.ok(untagged.some((line) => /HIGHESTMODSEQ/.test(line)))
    await leave(joe, jane)
  },

  'COPY, MOVE and APPEND: here, there, and from one to the other': async (cluster) => {
    const { joe, jane } = await share(cluster, 'Across', 'lrwstipe')
    await joe.say('CREATE Across/Sub')
    await jane.say('CREATE Kept')
    assert.match(
      (await jane.say('APPEND shared/joe/Across (\\Seen kw) "01-Feb-2020 10:11:12 +0000"', mail('appended'))).tagged,
      /^OK \[APPENDUID \d+ 1\] Append completed$/,
    )
    assert.match((await jane.say('APPEND shared/joe/Missing', mail('x'))).tagged, /^NO \[TRYCREATE\] /)
    await jane.say('SELECT shared/joe/Across')
    assert.match((await jane.say('COPY 1 shared/joe/Across/Sub')).tagged, /^OK \[COPYUID \d+ 1 1\] Copy completed$/)
    assert.match((await jane.say('UID COPY 1 Kept')).tagged, /^OK \[COPYUID \d+ 1 1\] Copy completed$/)
    assert.match((await jane.say('COPY 1 Nowhere')).tagged, /^NO \[TRYCREATE\] /)
    await jane.say('SELECT Kept')
    const [kept = ''] = (await jane.say('FETCH 1 (FLAGS INTERNALDATE BODY.PEEK[])')).untagged
    assert.match(kept, /FLAGS \(\\Seen (\\Recent )?kw\) INTERNALDATE " ?0?1-Feb-2020 /)
    assert.ok(kept.includes(mail('appended')))
    await jane.say('APPEND Kept', mail('there', 200_000))
    await jane.say('NOOP')
    assert.match((await jane.say('COPY 1:2 shared/joe/Across')).tagged, /^OK \[COPYUID \d+ 1:2 2:3\] Copy completed$/)
    const moved = await jane.say('MOVE 2 shared/joe/Across')
    assert.match(moved.untagged.join(), /^\* OK \[COPYUID \d+ 2 4\] Moved UIDs\.,\* 2 EXPUNGE/)
    await jane.say('SELECT shared/joe/Across')
    const back = await jane.say('UID MOVE 2,4 INBOX')
    assert.equal(back.tagged, 'OK Move completed')
    assert.match(back.untagged.join(), /\[COPYUID \d+ 2,4 \d+:\d+\].*\* \d EXPUNGE,\* \d EXPUNGE/)
    assert.deepEqual((await jane.say('UID SEARCH ALL')).untagged, ['* SEARCH 1 3'])
    await joe.say('SELECT Across')
    const [there = ''] = (await joe.say('UID FETCH 3 BODY.PEEK[]')).untagged
    assert.ok(there.includes(mail('there', 200_000)))
    await leave(joe, jane)
  },

  'several messages in one APPEND: all of them, or none': async (cluster) => {
    const { joe, jane } = await share(cluster, 'Several', 'lrwi')
    const both = await jane.say('APPEND shared/joe/Several', mail('first'), ' (\\Flagged)', mail('second', 70_000))
    assert.match(both.tagged, /^OK \[APPENDUID \d+ 1:2\] Append completed$/)
    await jane.say('SELECT shared/joe/Several')
    const refused = await jane.say('APPEND shared/joe/Several', mail('third'), ' (\\Flagged)', '')
    assert.match(refused.tagged, /^NO .*zero byte message/)
    assert.deepEqual((await jane.say('UID SEARCH ALL')).untagged, ['* SEARCH 1 2'])
    assert.equal((await jane.say('APPEND shared/joe/Several', mail('fourth'))).untagged[0], '* 3 EXISTS')
    await leave(joe, jane)
  },

  'what vanished meanwhile is told by QRESYNC': async (cluster) => {
    const { joe, jane } = await share(cluster, 'Vanished', 'lr')
    for (const subject of ['one', 'two', 'three']) await joe.say('APPEND Vanished', mail(subject))
    await jane.say('ENABLE QRESYNC')
    const before = (await jane.say('SELECT shared/joe/Vanished')).untagged.join()
    const [, validity = ''] = /UIDVALIDITY (\d+)/.exec(before) ?? []
    const [, modSeq = ''] = /HIGHESTMODSEQ (\d+)/.exec(before) ?? []
    await jane.say('SELECT INBOX')
    await joe.say('SELECT Vanished')
    await joe.say('STORE 2 +FLAGS.SILENT \\Deleted')
    await joe.say('EXPUNGE')
    const { untagged } = await jane.say(`SELECT shared/joe/Vanished (QRESYNC (${validity} ${modSeq}))`)
    assert.ok(untagged.includes('* VANISHED (EARLIER) 2'), untagged.join('\n'))
    await joe.say('STORE 1 +FLAGS.SILENT \\Deleted')
    await joe.say('EXPUNGE')
    assert.deepEqual((await jane.say('NOOP')).untagged, ['* VANISHED 1'])
    await leave(joe, jane)
  },

  "what joe did not allow is refused in his server's words": async (cluster) => {
    const { joe, jane } = await share(cluster, 'Closed', 'lr')
    await joe.say('APPEND Closed', mail('one'))
    await jane.say('CREATE Mine')
    await jane.say('APPEND Mine', mail('two'))
    assert.equal((await jane.say('APPEND shared/joe/Closed', mail('x'))).tagged, 'NO [NOPERM] Permission denied')
    assert.equal((await jane.say('CREATE shared/joe/Closed/Sub')).tagged, 'NO [NOPERM] Permission denied')
    assert.equal((await jane.say('DELETE shared/joe/Closed')).tagged, 'NO [NOPERM] Permission denied')
    await jane.say('SELECT Mine')
    assert.equal((await jane.say('COPY 1 shared/joe/Closed')).tagged, 'NO [NOPERM] Permission denied')
    assert.equal((await jane.say('MOVE 1 shared/joe/Closed')).tagged, 'NO [NOPERM] Permission denied')
    await jane.say('SELECT shared/joe/Closed')
    assert.equal((await jane.say('MOVE 1 Mine')).tagged, 'NO [NOPERM] Permission denied')
    assert.equal((await jane.say('STATUS Mine (MESSAGES)')).untagged[0], '* STATUS Mine (MESSAGES 1)')
    assert.match((await jane.say('RENAME shared/joe/Closed Taken')).tagged, /^NO \[CANNOT\] /)
    await leave(joe, jane)
  },

  'who has a right to administer gives and takes, and what is taken away is gone': async (cluster) => {
    const { joe, jane } = await share(cluster, 'Admin', 'lrwstipekxa')
    assert.equal((await jane.say('SETACL shared/joe/Admin bob lr')).tagged, 'OK Setacl complete')
    assert.match((await jane.say('GETACL shared/joe/Admin')).untagged[0] ?? '', /^\* ACL shared\/joe\/Admin .*bob lr/)
    assert.equal((await jane.say('DELETEACL shared/joe/Admin bob')).tagged, 'OK Deleteacl complete')
    assert.match((await joe.say('GETACL Admin')).untagged[0] ?? '', /^\* ACL Admin jane \S+ joe \S+$/)
    assert.equal((await jane.say('SUBSCRIBE shared/joe/Admin')).tagged, 'OK Subscribe completed')
    assert.ok((await jane.say('LSUB "" *')).untagged.some((line) => line.endsWith(' shared/joe/Admin')))
    assert.equal((await jane.say('CREATE shared/joe/Admin/Made')).tagged, 'OK Create completed')
    assert.equal(
      (await jane.say('RENAME shared/joe/Admin/Made shared/joe/Admin/Renamed')).tagged,
      'OK Rename completed',
    )
    assert.equal((await jane.say('DELETE shared/joe/Admin/Renamed')).tagged, 'OK Delete completed')
    assert.equal((await jane.say('GETQUOTAROOT shared/joe/Admin')).tagged, "NO Not showing other users' quota")
    await joe.say('DELETEACL Admin jane')
    await jane.logout()
    const again = await ImapTalk.login(cluster.janePort, 'jane')
    assert.match((await again.say('SELECT shared/joe/Admin')).tagged, /^NO .*Mailbox doesn't exist/)
    assert.deepEqual((await again.say('LIST "" shared/joe/Admin')).untagged, [])
    await leave(joe, again)
  },

  'names of any script, and those that need quoting': async (cluster) => {
    const { joe, jane } = await share(cluster, '"&ZeVnLIqe- \\"x\\""', 'lr')
    const name = '"shared/joe/&ZeVnLIqe- \\"x\\""'
    const { untagged } = await jane.say(`LIST "" ${name}`)
    assert.deepEqual(untagged, [`* LIST (\\HasNoChildren) "/" ${name}`])
    assert.match((await jane.say(`SELECT ${name}`)).tagged, /^OK /)
    await leave(joe, jane)
  },
}

/** Joe makes a mailbox and lets jane in; both are logged in then. */
async function share(
  { joePort, janePort }: Cluster,
  mailbox: string,
  rights: string,
): Promise<{ readonly joe: ImapTalk; readonly jane: ImapTalk }> {
  const [joe, jane] = await Promise.all([ImapTalk.login(joePort, 'joe'), ImapTalk.login(janePort, 'jane')])
  assert.equal((await joe.say(`CREATE ${mailbox}`)).tagged, 'OK Create completed')
  assert.equal((await joe.say(`SETACL ${mailbox} jane ${rights}`)).tagged, 'OK Setacl complete')
  return { joe, jane }
}

async function leave(...clients: readonly ImapTalk[]): Promise<void> {
  await Promise.all(clients.map((client) => client.logout()))
}

function isFetch(line: string): boolean {
  return / FETCH /.test(line)
}
