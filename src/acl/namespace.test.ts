import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailLocation } from '../storage/formats/format.ts'
import { ancestors, type AclNamespace, locateAcls, viewerIn, virtualName } from './namespace.ts'

const MAILDIR: MailLocation = {
  format: 'maildir',
  path: '/m',
  layout: 'maildir++',
  inboxPath: undefined,
  indexPath: undefined,
  indexPrivatePath: undefined,
  controlPath: undefined,
  options: new Map(),
}

interface Row {
  readonly why: string
  readonly location: Partial<MailLocation>
  readonly inbox: string
  readonly fooBar: string
  readonly hasInbox?: boolean
  readonly places: {
    directory: string
    inbox: string
    list: string
    defaults: string | undefined
    name: string
    separator: string
  }
}

const rows: readonly Row[] = [
  {
    why: 'Maildir++: the root is INBOX, there is no default',
    location: {},
    inbox: '/m',
    fooBar: '/m/.foo.bar',
    places: { directory: '/m/.foo.bar', inbox: '/m', list: '/m', defaults: undefined, name: 'foo.bar', separator: '.' },
  },
  {
    why: 'Maildir++ without INBOX: the root is the default',
    location: {},
    inbox: '/m/.INBOX',
    fooBar: '/m/.foo.bar',
    hasInbox: false,
    places: {
      directory: '/m/.foo.bar',
      inbox: '/m/.INBOX',
      list: '/m',
      defaults: '/m',
      name: 'foo.bar',
      separator: '.',
    },
  },
  {
    why: 'directories in directories, INBOX is the root',
    location: { layout: 'fs' },
    inbox: '/m',
    fooBar: '/m/foo/bar',
    places: { directory: '/m/foo/bar', inbox: '/m', list: '/m', defaults: undefined, name: 'foo/bar', separator: '/' },
  },
  {
    why: 'directories in directories, INBOX apart',
    location: { layout: 'fs', inboxPath: '/m/INBOX' },
    inbox: '/m/INBOX',
    fooBar: '/m/foo/bar',
    places: { directory: '/m/foo/bar', inbox: '/m/INBOX', list: '/m', defaults: '/m', name: 'foo/bar', separator: '/' },
  },
  {
    why: 'names of the index, GUIDs on disk',
    location: { layout: 'index' },
    inbox: '/m/0a',
    fooBar: '/m/0b',
    places: { directory: '/m/0b', inbox: '/m/0a', list: '/m', defaults: '/m', name: 'foo/bar', separator: '/' },
  },
  {
    why: 'mbox: mailboxes are files, their ACLs lie among the indexes',
    location: { format: 'mbox', layout: 'fs' },
    inbox: '/m/.imap/INBOX',
    fooBar: '/m/foo/.imap/bar',
    places: {
      directory: '/m/foo/.imap/bar',
      inbox: '/m/.imap/INBOX',
      list: '/m/.imap',
      defaults: '/m/.imap',
      name: 'foo/bar',
      separator: '/',
    },
  },
  {
    why: 'mbox with a control directory',
    location: { format: 'mbox', layout: 'fs', controlPath: '/c' },
    inbox: '/c/.imap/INBOX',
    fooBar: '/c/foo/.imap/bar',
    places: {
      directory: '/c/foo/.imap/bar',
      inbox: '/c/.imap/INBOX',
      list: '/c',
      defaults: '/c',
      name: 'foo/bar',
      separator: '/',
    },
  },
  {
    why: 'dbox: mails lie below the mailbox',
    location: { format: 'sdbox', layout: 'fs' },
    inbox: '/m/mailboxes/INBOX/dbox-Mails',
    fooBar: '/m/mailboxes/foo/bar/dbox-Mails',
    places: {
      directory: '/m/mailboxes/foo/bar/dbox-Mails',
      inbox: '/m/mailboxes/INBOX/dbox-Mails',
      list: '/m/mailboxes',
      defaults: '/m/mailboxes',
      name: 'foo/bar',
      separator: '/',
    },
  },
]

for (const { why, location, inbox, fooBar, hasInbox = true, places } of rows) {
  test(`places: ${why}`, () => {
    const located = locateAcls(
      { ...MAILDIR, ...location },
      (name) => {
        const directory = name === 'INBOX' ? inbox : fooBar
        // Only mbox keeps ACLs in the control directory; the other one must not matter.
        return location.format === 'mbox'
          ? { mail: '/elsewhere', control: directory, index: undefined }
          : { mail: directory, control: '/elsewhere', index: undefined }
      },
      hasInbox,
    )
    assert.deepEqual(
      {
        directory: located.directory('foo/bar'),
        inbox: located.directory('INBOX'),
        list: located.list,
        defaults: located.defaults,
        name: located.listName('foo/bar'),
        separator: located.storageSeparator,
      },
      places,
    )
    if (hasInbox) assert.equal(located.listName('INBOX'), 'INBOX')
  })
}

type Naming = Pick<AclNamespace, 'prefix' | 'separator' | 'inboxName' | 'type'>
const names: [namespace: Naming, storage: string, virtual: string][] = [
  [{ prefix: '', separator: '/', inboxName: 'INBOX', type: 'private' }, 'a/b', 'a/b'],
  [{ prefix: '', separator: '.', inboxName: 'INBOX', type: 'private' }, 'a/b', 'a.b'],
  [{ prefix: 'INBOX/', separator: '/', inboxName: 'INBOX', type: 'private' }, 'INBOX', 'INBOX'],
  [{ prefix: 'INBOX/', separator: '/', inboxName: 'INBOX', type: 'private' }, 'a', 'INBOX/a'],
  [{ prefix: 'shared/joe/', separator: '/', inboxName: 'shared/joe', type: 'shared' }, 'INBOX', 'shared/joe'],
  [{ prefix: 'shared/joe/', separator: '/', inboxName: 'shared/joe', type: 'shared' }, 'Work', 'shared/joe/Work'],
  [{ prefix: 'Public/', separator: '/', inboxName: 'Public/INBOX', type: 'public' }, 'INBOX', 'Public/INBOX'],
  [{ prefix: 'Public/', separator: '/', inboxName: 'Public/INBOX', type: 'public' }, '', ''],
]

const ELSEWHERE = {
  owner: 'joe',
  inherit: 'copy',
  hasPrivateSeen: false,
  mailboxes: () => Promise.resolve([]),
  places: locateAcls(MAILDIR, nowhere, false),
} as const

function nowhere(): { mail: string; control: string; index: undefined } {
  return { mail: '/m', control: '/m', index: undefined }
}

for (const [namespace, storage, virtual] of names) {
  test(`${JSON.stringify(storage)} under ${JSON.stringify(namespace.prefix)} is ${JSON.stringify(virtual)}`, () => {
    assert.equal(virtualName({ ...ELSEWHERE, ...namespace }, storage), virtual)
  })
}

test('ancestors come nearest first', () => {
  assert.deepEqual([...ancestors('a/b/c')], ['a/b', 'a'])
  assert.deepEqual([...ancestors('a')], [])
  assert.deepEqual([...ancestors('/a')], [])
})

const owners: [type: AclNamespace['type'], user: string | undefined, isOwner: boolean, why: string][] = [
  ['private', 'joe', true, 'his own mail'],
  ['private', 'admin', false, 'a master user'],
  ['private', undefined, false, 'nobody'],
  ['shared', 'joe', false, 'his own mail, seen through the shared namespace'],
  ['public', 'joe', false, 'public mail has no owner'],
]

for (const [type, user, isOwner, why] of owners) {
  test(`owner: ${why}`, () => {
    const namespace = { ...ELSEWHERE, type, prefix: '', separator: '/', inboxName: 'INBOX' }
    assert.equal(viewerIn(namespace, { user, loginUser: 'joe', groups: new Set() }).isOwner, isOwner)
  })
}
