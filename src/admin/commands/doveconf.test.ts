import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryFiles } from '../../../test/support/memory-files.ts'
import { runDoveconf } from './doveconf.ts'

function run(text: string, ...argv: readonly string[]): { status: number; stdout: string; stderr: string } {
  let [stdout, stderr] = ['', '']
  const status = runDoveconf(['-c', '/conf', ...argv], {
    stdout: (said) => (stdout += said),
    stderr: (said) => (stderr += said),
    files: memoryFiles({ '/conf': text }, { resolveHost: () => [], userExists: () => false }),
    hostname: 'mail.example.org',
    product: 'Postern 1.0.0',
    system: 'Linux 6.1',
  })
  return { status, stdout, stderr }
}

test('a listing begins with what and where it is', () => {
  const { stdout } = run('mail_home = /x\n', '-n')
  assert.equal(stdout, '# Postern 1.0.0: /conf\n# OS: Linux 6.1\n# Hostname: mail.example.org\nmail_home = /x\n')
  assert.match(run('', '-a').stdout, /# NOTE: Send doveconf -n output instead when asking for help.\n/)
  assert.doesNotMatch(run('', 'ssl').stdout, /^#/)
})

test('all errors are told, the first one last, as the fatal one that Dovecot knows', () => {
  const { status, stdout, stderr } = run('ssl = maybe\nauth_verbose = perhaps\n', '-n')
  assert.equal(status, 89)
  assert.equal(stdout, '# Postern 1.0.0: /conf\n')
  assert.equal(
    stderr,
    'doveconf: Error: Error in configuration file /conf line 2: Invalid boolean value: perhaps (use yes or no)\n' +
      'doveconf: Fatal: Error in configuration file /conf line 1: Invalid value: maybe\n',
  )
})

test('a configuration whose parts do not fit is printed all the same', () => {
  const { status, stdout, stderr } = run('protocols = foo\n', '-n')
  assert.equal(status, 89)
  assert.match(stdout, /^protocols = foo$/m)
  assert.equal(
    stderr,
    'doveconf: Error: protocols: Unknown protocol: foo\n' +
      'doveconf: Fatal: Error in configuration file /conf: protocols: Unknown protocol: foo\n',
  )
})

describe('where Postern differs from Dovecot on purpose', () => {
  test('result_success = return is printed, although it begins like the default', () => {
    assert.match(
      run('passdb {\n driver = x\n result_success = return\n}\n', '-n').stdout,
      /^ {2}result_success = return$/m,
    )
  })

  test('settings of namespaces are printed for a filter too', () => {
    const text = 'namespace inbox {\n inbox = yes\n}\nprotocol imap {\n namespace inbox {\n prefix = x\n }\n}\n'
    assert.match(run(text, '-n', '-f', 'protocol=imap').stdout, /^ {2}inbox = yes$/m)
  })

  test('-o is obeyed', () => {
    assert.equal(run('mail_home = /x\n', '-o', 'mail_home=/y', '-h', 'mail_home').stdout, '/y\n')
  })

  test('-e is refused', () => {
    const { status, stderr } = run('', '-e', 'env')
    assert.equal(status, 89)
    assert.match(stderr, /^doveconf: Fatal: -e is not supported/)
  })

  test('own settings are printed when they are set', () => {
    assert.doesNotMatch(run('', '-a').stdout, /^postern_/m)
    assert.match(run('postern_workers = 2\n', '-n').stdout, /^postern_workers = 2$/m)
    assert.equal(run('', 'postern_workers').stdout, 'postern_workers = 0\n')
  })

  test('limits of processes are no reason to warn', () => {
    assert.equal(run('protocols = imap\ndefault_client_limit = 10\n', '-n').stderr, '')
  })

  test('event filters, plugin directories and built-in users are not looked at', () => {
    const text = 'log_debug = nonsense\nmail_plugins = acl\nmail_plugin_dir = /nonexistent\n'
    assert.deepEqual(run(text, '-h', 'mail_plugin_dir'), { status: 0, stdout: '/nonexistent\n', stderr: '' })
    assert.equal(run(text, '-n').status, 0)
    assert.equal(run('default_login_user = nobody-here\n', '-n').status, 89, 'others are')
  })
})

describe('the command line', () => {
  test('options may be glued together, and stand behind names', () => {
    assert.equal(run('doveadm_password = x\n', '-nP').stdout.split('\n').at(-2), 'doveadm_password = x')
    assert.equal(run('mail_home = /x\n', 'mail_home', '-h').stdout, '/x\n')
    assert.equal(run('protocol imap {\n mail_home = /i\n}\n', '-hfprotocol=imap', 'mail_home').stdout, '/i\n')
  })

  test('what is missing or unknown is told', () => {
    assert.equal(run('', '-z').stderr, "doveconf: invalid option -- 'z'\n")
    assert.equal(run('', '-f').stderr, "doveconf: option requires an argument -- 'f'\n")
    assert.equal(
      run('', '-f', 'local=nowhere').stderr,
      'doveconf: Fatal: local filter: gethostbyname(nowhere) failed: Name or service not known\n',
    )
  })
})
