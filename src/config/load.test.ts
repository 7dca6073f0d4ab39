import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryFiles } from '../../test/support/memory-files.ts'
import type { Config } from './config.ts'
import { decideListeners } from './listeners.ts'
import { loadConfig } from './load.ts'

function load(
  text: string,
  others: Readonly<Record<string, string | Buffer>> = {},
  overrides: readonly string[] = [],
): Config {
  const { config, complaints } = loadConfig({
    path: '/conf',
    files: memoryFiles({ '/conf': text, ...others }),
    overrides,
  })
  assert.ok(config !== undefined, JSON.stringify(complaints))
  return config
}

test('settings have the types of their rows', () => {
  const settings = load(`
    auth_cache_size = 10 M
    auth_failure_delay = 5 secs
    login_proxy_timeout = 1500 ms
    login_trusted_networks = 10.0.0.0/8, ::1
    ssl = required
    doveadm_password = topsecret
  `).settings({})
  assert.equal(settings.auth_cache_size, 10 * 1024 * 1024)
  assert.equal(settings.auth_failure_delay, 5000)
  assert.equal(settings.login_proxy_timeout, 1500)
  assert.deepEqual(settings.login_trusted_networks, ['10.0.0.0/8', '::1'])
  assert.equal(settings.ssl, 'required')
  assert.equal(settings.doveadm_password.reveal().toString(), 'topsecret')
  assert.ok(!JSON.stringify(settings).includes('topsecret'), 'a secret does not leak through the object')
  assert.equal(load('base_dir = /run/x/\n').settings({}).base_dir, '/run/x')
  assert.equal(settings.mail_max_userip_connections, 10, 'a default')
  assert.equal(settings.postern_workers, 0)
})

describe('filters', () => {
  const config = load(`
    mail_plugins = acl
    login_greeting = global
    protocol imap {
      mail_plugins = $mail_plugins imap_acl
      plugin {
        a = imap
      }
    }
    remote 10.0.0.0/8 {
      login_greeting = inside
    }
    local_name *.example.org {
      login_greeting = named
    }
    plugin {
      a = global
      b = global
    }
  `)

  test('the special block wins', () => {
    assert.equal(config.settings({ protocol: 'imap' }).login_greeting, 'global')
    assert.deepEqual(config.settings({ protocol: 'imap' }).mail_plugins, ['acl', 'imap_acl'])
    assert.equal(config.settings({ remoteIp: '10.1.1.1' }).login_greeting, 'inside')
    assert.equal(config.settings({ remoteIp: '10.1.1.1', localName: 'a.example.org' }).login_greeting, 'named')
  })

  test('dictionaries are merged key by key', () => {
    const merged = config.plugin({ protocol: 'imap' })
    assert.deepEqual(
      merged,
      new Map([
        ['a', 'imap'],
        ['b', 'global'],
      ]),
    )
    assert.deepEqual(
      config.plugin({}),
      new Map([
        ['a', 'global'],
        ['b', 'global'],
      ]),
    )
  })

  test('the same outcome is the same object', () => {
    const first = config.settings({ protocol: 'imap', remoteIp: '192.0.2.1' })
    assert.equal(config.settings({ protocol: 'imap', remoteIp: '192.0.2.2' }), first)
    assert.notEqual(config.settings({ protocol: 'imap', remoteIp: '10.0.0.1' }), first)
  })

  test('a setting knows where it was set', () => {
    assert.deepEqual(config.origin('login_greeting', {}), { file: '/conf', line: 3 })
    assert.deepEqual(config.origin('login_greeting', { remoteIp: '10.0.0.1' }), { file: '/conf', line: 11 })
    assert.equal(config.origin('ssl', {}), undefined)
    assert.deepEqual(config.origin('plugin/a', { protocol: 'imap' }), { file: '/conf', line: 7 })
  })
})

test('with blocks for protocols only, the address does not matter', () => {
  const config = load('protocol imap {\n mail_home = /imap\n}\nprotocol !pop3 {\n mail_uid = x\n}\n')
  assert.equal(config.settings({ protocol: 'imap', remoteIp: '10.0.0.1' }).mail_home, '/imap')
  assert.equal(config.settings({ protocol: 'lmtp' }).mail_uid, 'x')
  assert.equal(config.settings({}).mail_uid, '', 'no protocol is not "any but pop3"')
})

test("a protocol's own databases come before the global ones", () => {
  const config = load(`
    passdb first {
      driver = static
      args = a=1
    }
    protocol imap {
      passdb first {
        driver = static
        args = b=2
      }
    }
    userdb {
      driver = prefetch
    }
  `)
  assert.deepEqual(
    config.passdbs('imap').map(({ args }) => args),
    ['b=2', 'a=1'],
  )
  assert.deepEqual(
    config.passdbs('pop3').map(({ args, at }) => [args, at.line]),
    [['a=1', 2]],
  )
  assert.equal(config.passdbs('imap'), config.passdbs('imap'), 'made once')
  assert.deepEqual(
    config.userdbs('imap').map(({ driver, result_success }) => [driver, result_success]),
    [['prefetch', 'return-ok']],
  )
})

test('namespaces have their mailboxes', () => {
  const [inbox] = load(`
    namespace inbox {
      inbox = yes
      mailbox "Sent Items" {
        special_use = \\Sent
        autoexpunge = 30 days
      }
    }
  `).namespaces({})
  assert.equal(inbox?.name, 'inbox')
  assert.equal(inbox?.alias_for, undefined)
  assert.deepEqual(
    inbox?.mailboxes.map(({ name, special_use, autoexpunge }) => [name, special_use, autoexpunge]),
    [['Sent Items', ['\\Sent'], 30 * 86_400_000]],
  )
})

test('services are the built-in ones with what was set', () => {
  const { services } = load(
    'service imap-login {\n inet_listener imap {\n port = 1143\n }\n}\nservice x {\n executable = y\n}\n',
  )
  const login = services.get('imap-login')
  assert.equal(login?.service_count, 1)
  assert.equal(login?.vsz_limit, Infinity)
  assert.deepEqual(
    login?.inetListeners.map(({ name, port, ssl }) => [name, port, ssl]),
    [
      ['imap', 1143, false],
      ['imaps', 993, true],
    ],
  )
  assert.equal(services.get('x')?.executable, 'y')
  assert.deepEqual(
    services.get('lmtp')?.unixListeners.map(({ path, mode }) => [path, mode]),
    [['lmtp', 0o666]],
  )
})

describe('values from elsewhere', () => {
  test('files are read relative to the file that names them, bytes untrimmed', () => {
    const config = load('!include conf.d/ssl.conf\n', {
      '/conf.d/ssl.conf': 'ssl_cert = <cert.pem\nssl_key = </key.pem\n',
      '/conf.d/cert.pem': 'CERT\n',
      '/key.pem': Buffer.from('KEY\n'),
    })
    assert.equal(config.settings({}).ssl_cert, 'CERT\n')
    assert.equal(config.settings({}).ssl_key.reveal().toString(), 'KEY\n')
    assert.deepEqual(config.origin('ssl_cert', {}), { file: '/conf.d/ssl.conf', line: 1 })
  })

  test('a missing file is an error at its line', () => {
    const { config, complaints } = loadConfig({
      path: '/conf',
      files: memoryFiles({ '/conf': '\nssl_cert = </no.pem\n' }),
    })
    assert.equal(config, undefined)
    const text = "ssl_cert: Can't open file /no.pem: No such file or directory"
    assert.deepEqual(complaints, [{ severity: 'error', text, at: { file: '/conf', line: 2 } }])
  })

  test('numbers may refer to other settings, services to users', () => {
    const config = load('service imap-login {\n client_limit = $default_client_limit\n user = $default_login_user\n}\n')
    assert.equal(config.services.get('imap-login')?.client_limit, 1000)
    assert.equal(config.services.get('imap-login')?.user, 'dovenull')
  })

  test('the environment is there by name', () => {
    const files = memoryFiles({ '/conf': 'auth_default_realm = $ENV:REALM\nmail_home = $ENV:NOTHING x\n' })
    const { config } = loadConfig({ path: '/conf', files, env: new Map([['REALM', 'example.org']]) })
    assert.equal(config?.settings({}).auth_default_realm, 'example.org')
    assert.equal(config?.settings({}).mail_home, ' x')
  })
})

test('overrides are stronger than the file, by path too', () => {
  const config = load('ssl = no\nservice imap-login {\n inet_listener imap {\n port = 1\n }\n}\n', {}, [
    'ssl=required',
    'service/imap-login/inet_listener/imap/port=1143',
    'plugin/acl=vfile',
  ])
  assert.equal(config.settings({}).ssl, 'required')
  assert.equal(config.services.get('imap-login')?.inetListeners[0]?.port, 1143)
  assert.equal(config.plugin({}).get('acl'), 'vfile')
})

test('an empty hostname is that of the machine', () => {
  const load = (text: string) =>
    loadConfig({ path: '/c', files: memoryFiles({ '/c': text }), hostname: 'mx.example.org' })
  assert.equal(load('').config?.settings({}).hostname, 'mx.example.org')
  assert.equal(load('hostname = mail\n').config?.settings({}).hostname, 'mail')
})

test('a configuration that is not there, or not UTF-8', () => {
  const missing = loadConfig({ path: '/none', files: memoryFiles({}) })
  assert.equal(missing.config, undefined)
  assert.deepEqual(
    missing.complaints.map(({ text }) => text),
    ['open(/none) failed: No such file or directory'],
  )
  const latin1 = loadConfig({
    path: '/l',
    files: memoryFiles({ '/l': Buffer.from('login_greeting = gr\xfc\xdfe\n', 'latin1') }),
  })
  assert.equal(latin1.config?.settings({}).login_greeting, 'grüße')
})

test('names of outsiders are not names of objects', () => {
  const config = load('plugin {\n constructor = x\n __proto__ = y\n}\nservice constructor {\n executable = z\n}\n')
  assert.equal(config.plugin({}).get('constructor'), 'x')
  assert.equal(config.plugin({}).get('__proto__'), 'y')
  assert.equal(config.services.get('constructor')?.executable, 'z')
  const { complaints } = loadConfig({ path: '/c', files: memoryFiles({ '/c': 'constructor = x\ntoString {\n}\n' }) })
  assert.deepEqual(
    complaints.map(({ text }) => text),
    ['Unknown setting: constructor', 'Unknown setting: toString { toString'],
  )
})

test('hostile configurations neither hang nor crash', () => {
  const deep = 'plugin {\n'.repeat(5000)
  const long = `mail_home = ${'a '.repeat(200_000)}\\\n`.repeat(3)
  const braces = `protocol imap ${'{ '.repeat(20_000)}\n`
  const nested = 'local ::/0 {\n'.repeat(50_000)
  const blank = `mail_home = a${' '.repeat(300_000)}b\n`
  for (const text of [
    nested,
    blank,
    deep,
    long,
    braces,
    '\\\n'.repeat(50_000),
    '\0\0\0',
    '{'.repeat(100_000),
    '!include /c\n',
  ]) {
    assert.doesNotThrow(() => loadConfig({ path: '/c', files: memoryFiles({ '/c': text }) }))
  }
})

describe('listeners', () => {
  const plan = (text: string) =>
    decideListeners(load(text)).map(({ service, address, port, ssl }) => [service, address, port, ssl])

  test('protocols decide which services listen, listen decides where', () => {
    assert.deepEqual(plan('protocols = imap lmtp\nlisten = 127.0.0.1, [::1]\n'), [
      ['lmtp', '/run/dovecot/lmtp', 0, false],
      ['imap-login', '127.0.0.1', 143, false],
      ['imap-login', '::1', 143, false],
      ['imap-login', '127.0.0.1', 993, true],
      ['imap-login', '::1', 993, true],
    ])
  })

  test('all addresses, by default', () => {
    assert.deepEqual(plan('protocols = sieve\n'), [
      ['managesieve-login', '0.0.0.0', 4190, false],
      ['managesieve-login', '::', 4190, false],
    ])
  })

  test('ports of 0 and TLS ports without TLS stay closed', () => {
    const text = 'protocols = imap\nssl = no\nservice imap-login {\n inet_listener imap {\n port = 0\n }\n}\n'
    assert.deepEqual(plan(text), [])
  })

  test('further listeners, with their own addresses', () => {
    const text = `
      protocols = submission
      service submission-login {
        inet_listener submission {
          port = 0
        }
        inet_listener submissions {
          port = 465
          ssl = yes
          haproxy = yes
          address = 192.0.2.1
        }
      }
      service doveadm {
        inet_listener {
          port = 24245
          address = 127.0.0.1
        }
      }
    `
    assert.deepEqual(decideListeners(load(text)), [
      {
        service: 'submission-login',
        name: 'submissions',
        protocol: 'submission',
        address: '192.0.2.1',
        port: 465,
        ssl: true,
        haproxy: true,
        reusePort: false,
      },
      {
        service: 'doveadm',
        name: '',
        protocol: 'doveadm',
        address: '127.0.0.1',
        port: 24245,
        ssl: false,
        haproxy: false,
        reusePort: false,
      },
    ])
  })
})
