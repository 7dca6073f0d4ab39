import assert from 'node:assert/strict'
import test from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { loadConfig } from '../../config/config.ts'
import { MailUserError } from './mail-user-error.ts'
import { type MailUser, type MailUserInput, resolveMailUser } from './mail-user.ts'

interface Case {
  readonly config: string
  readonly fields?: Readonly<Record<string, string>>
  readonly directories?: readonly string[]
  readonly user?: string
  readonly owners?: MailUserInput['lookupOwner']
}

function resolve({ config, fields, directories = [], user = 'joe', owners }: Case): MailUser {
  const loaded = loadConfig({ path: '/conf', files: memoryFiles({ '/conf': config }), hostname: 'mx.example.org' })
  assert.ok(loaded.config, JSON.stringify(loaded.complaints))
  return resolveMailUser({
    config: loaded.config,
    filter: { protocol: 'imap' },
    service: 'imap',
    user,
    fields: new Map(Object.entries({ home: '/home/joe', ...fields })),
    variables: new Map([['rip', '192.0.2.1']]),
    system: {
      formats: new Set(['maildir']),
      systemHome: (name) => (name === 'root' ? '/root' : undefined),
      isDirectory: (path) => directories.includes(path),
    },
    lookupOwner: owners ?? (() => Promise.resolve(undefined)),
  })
}

function locationOf(user: MailUser, index = 0): unknown {
  const location = user.namespaces[index]?.location
  assert.ok(location !== undefined && typeof location !== 'function')
  const { options, ...rest } = location
  const set = Object.entries(rest).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(set), ...(options.size > 0 && { options: Object.fromEntries(options) }) }
}

test('mail_location is read with all its keys', () => {
  const rows: { why: string; location: string; is: object; directories?: string[] }[] = [
    {
      why: 'the usual',
      location: 'maildir:~/Maildir',
      is: { format: 'maildir', path: '/home/joe/Maildir', layout: 'maildir++' },
    },
    {
      why: 'variables and paths of all kinds',
      location: 'maildir:/srv/%u:LAYOUT=fs:INBOX=~/in:INDEX=idx/:CONTROL=~root/c:INDEXPVT=/p/%n',
      is: {
        format: 'maildir',
        path: '/srv/joe',
        layout: 'fs',
        inboxPath: '/home/joe/in',
        indexPath: '/home/joe/idx',
        indexPrivatePath: '/p/joe',
        controlPath: '/root/c',
        options: { LAYOUT: 'fs', INBOX: '~/in', INDEX: 'idx/', CONTROL: '~root/c', INDEXPVT: '/p/joe' },
      },
    },
    {
      why: 'a doubled colon is one, MEMORY is no path',
      location: 'maildir:/srv/a::b:INDEX=MEMORY:UTF-8:SUBSCRIPTIONS=subs:',
      is: {
        format: 'maildir',
        path: '/srv/a:b',
        layout: 'maildir++',
        options: { INDEX: 'MEMORY', 'UTF-8': '', SUBSCRIPTIONS: 'subs' },
      },
    },
    {
      why: 'nothing at all, and a Maildir is there',
      location: '',
      directories: ['/home/joe/Maildir/cur'],
      is: { format: 'maildir', path: '/home/joe/Maildir', layout: 'maildir++' },
    },
    {
      why: 'no format, and a Maildir is there',
      location: '~/M:LAYOUT=fs',
      directories: ['/home/joe/M/cur'],
      is: { format: 'maildir', path: '/home/joe/M', layout: 'fs', options: { LAYOUT: 'fs' } },
    },
  ]
  for (const { why, location, is, directories = [] } of rows) {
    assert.deepEqual(locationOf(resolve({ config: `mail_location = ${location}`, directories })), is, why)
  }
})

test('what is wrong is said as Dovecot says it', () => {
  const from = 'Initializing mail storage from mail_location setting failed:'
  const inbox = 'namespace inbox {\n  inbox = yes\n  separator = /\n}\n'
  const broken = 'namespace configuration error:'
  const rows: readonly (readonly [config: string, error: string, fields?: Readonly<Record<string, string>>])[] = [
    ['', 'mail_location not set and autodetection failed: Mail storage autodetection failed with home=/home/joe'],
    ['mail_location = foo:~/x', `${from} Unknown mail storage driver foo`],
    ['mail_location = maildir:', `${from} Root mail directory not given`],
    [
      'mail_location = maildir',
      `${from} Ambiguous mail location setting, don't know what to do with it: maildir (try prefixing it with mbox: or maildir:)`,
    ],
    ['mail_location = auto:~/M', `${from} Autodetection failed for auto:~/M (home=/home/joe)`],
    ['mail_location = maildir:~/M:FOO=x', `${from} Unknown setting: FOO`],
    ['mail_location = maildir:~/M:index=/x', `${from} Unknown setting: index`],
    ['mail_location = maildir:~/M:UTF-8=x', `${from} Unknown setting: UTF-8`],
    ['mail_location = maildir:~/M:LAYOUT=foo', `${from} Mailbox list driver foo: Unknown driver name`],
    ['mail_location = maildir:~/M:BROKENCHAR=ab', `${from} BROKENCHAR value must be a single character`],
    ['mail_location = maildir:~/M:ITERINDEX', `${from} ITERINDEX requires INDEX to be explicitly set`],
    [
      'mail_location = maildir:~nobody-here/M',
      `${from} No home directory for system user. Can't expand ~nobody-here for mail root dir in: ~nobody-here/M`,
    ],
    ['mail_location = maildir:%{nope}/M', "Failed to expand settings: mail_location: Unknown variable '%nope'"],
    [
      'mail_location = maildir:~/M\nplugin {\n  a = %{nope}\n}',
      "Failed to expand plugin setting a = '%{nope}': Unknown variable '%nope'",
    ],
    [`${inbox}namespace b {\n  prefix = b/\n  location = foo:x\n}`, "Namespace 'b/': Unknown mail storage driver foo"],
    [
      'namespace a {\n  prefix = A/\n  separator = .\n}',
      `${broken} list=yes requires prefix=A/ to end with separator .`,
    ],
    [
      'namespace a {\n  prefix = /A/\n  separator = /\n}',
      `${broken} list=yes requires prefix=/A/ not to start with separator`,
    ],
    [`${inbox}namespace b {\n  separator = /\n}`, `${broken} Duplicate namespace prefix: ""`],
    [
      `${inbox}namespace b {\n  prefix = b/\n  inbox = yes\n}`,
      `${broken} There can be only one namespace with inbox=yes`,
    ],
    [
      `${inbox}namespace b {\n  prefix = b.\n  separator = .\n}`,
      `${broken} All list=yes namespaces must use the same separator`,
    ],
    [inbox.replace('inbox = yes', ''), `${broken} inbox=yes namespace missing`],
    [inbox.replace('}', 'hidden = yes\n}'), `${broken} hidden=no namespace missing`],
    [inbox.replace('}', 'list = no\n}'), `${broken} list=yes namespace missing`],
    [inbox.replace('}', 'subscriptions = no\n}'), `${broken} subscriptions=yes namespace missing`],
    [
      `${inbox}namespace b {\n  type = shared\n  prefix = shared/\n}`,
      "Namespace 'shared/': shared: Shared namespace prefix doesn't contain %",
    ],
    [
      inbox,
      "Invalid userdb input 'mail_debug=maybe': Invalid boolean value: maybe (use yes or no)",
      { mail_debug: 'maybe' },
    ],
  ]
  for (const [config, message, fields = {}] of rows) {
    const located =
      config.includes('mail_location') || config === '' ? config : `mail_location = maildir:~/M\n${config}`
    assert.throws(() => resolve({ config: located, fields }), new MailUserError(message), config)
  }
})

test('userdb fields change settings, namespaces and plugin settings', () => {
  const user = resolve({
    config: `mail_location = maildir:~/M
mail_plugins = acl
plugin {
  quota_rule = *:storage=1G
  where = %h %{rip}
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Trash {
    special_use = \\Trash
  }
}
namespace old {
  prefix = old/
}`,
    fields: {
      uid: '1000',
      mail: 'maildir:/srv/%d%u',
      'mail_plugins+': 'quota',
      imap_client_workarounds: 'delay-newmail',
      quota_rule: '*:storage=5G',
      acl_groups: 'a,b',
      'plugin/acl': 'vfile',
      'namespace/inbox/mailbox/Trash/auto': 'subscribe',
      'namespace/inbox/prefix': 'INBOX/',
      'namespace/old/disabled': 'yes',
      'namespace/nope/prefix': 'x',
    },
  })
  assert.deepEqual([...user.plugins], ['acl', 'quota'])
  assert.deepEqual(user.settings.imap_client_workarounds, ['delay-newmail'])
  assert.deepEqual(Object.fromEntries(user.plugin), {
    quota_rule: '*:storage=5G',
    where: '/home/joe 192.0.2.1',
    acl_groups: 'a,b',
    acl: 'vfile',
    'namespace/nope/prefix': 'x',
  })
  assert.equal(user.namespaces.length, 1)
  assert.deepEqual([user.namespaces[0]?.prefix, user.namespaces[0]?.mailboxes[0]?.auto], ['INBOX/', 'subscribe'])
  assert.deepEqual(locationOf(user), { format: 'maildir', path: '/srv/joe', layout: 'maildir++' })
})

test('home comes from the userdb, or from mail_home with its variables', () => {
  const config = 'mail_home = /srv/%d/%n\nmail_location = maildir:~/M'
  assert.equal(resolve({ config }).home, '/home/joe')
  assert.equal(resolve({ config, user: 'joe@example.org', fields: { home: '' } }).home, '/srv/example.org/joe')
  assert.equal(resolve({ config, fields: { home: '/srv/./joe/' } }).home, '/srv/joe')
  assert.throws(() => resolve({ config, fields: { home: 'joe' } }), MailUserError)
})

test('a shared namespace finds the mail of owners', async () => {
  const config = `mail_location = maildir:~/M
namespace inbox {
  inbox = yes
  separator = /
}
namespace shared {
  type = shared
  prefix = shared/%%u/
  separator = /
  location = maildir:%%h/M:INDEX=~/shared/%%u
  subscriptions = no
}`
  const homes = new Map([['jane', '/home/jane']])
  const user = resolve({
    config,
    owners: (owner) => Promise.resolve(homes.has(owner) ? { home: homes.get(owner) } : undefined),
  })
  const shared = user.namespaces[1]
  assert.ok(shared && typeof shared.location === 'function')
  assert.deepEqual([shared.prefix, shared.ownerPattern], ['shared/', '%u/'])
  const location = await shared.location('jane')
  assert.deepEqual([location?.path, location?.indexPath], ['/home/jane/M', '/home/joe/shared/jane'])
  assert.equal(await shared.location('nobody'), undefined)
})
