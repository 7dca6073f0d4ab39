import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runDoveadm } from './cli.ts'
import { type Command, CommandUsageError } from './commands/command.ts'
import { doveadmCommands } from './commands/index.ts'
import { ControlUnavailable } from './control/client.ts'
import { openFlow } from './output/flow.ts'

interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

async function run(argv: readonly string[], commands: readonly Command[] = doveadmCommands): Promise<Ran> {
  let [out, err] = ['', '']
  const status = await runDoveadm(argv, commands, {
    stdout: (text) => (out += text),
    stderr: (text) => (err += text),
    width: 80,
    readPassword: async () => await Promise.resolve('typed'),
    socketPath: ({ config }) => {
      throw new ControlUnavailable(`no server is running (${config ?? 'no -c'})`)
    },
  })
  return { status, out, err }
}

/** Shows how its words were read. */
const echo: Command = {
  name: 'say again',
  usage: '[-n] [-x <what>] <word>',
  summary: 'Repeats.',
  details: ['At length.'],
  options: [
    { letter: 'n', doc: 'No.' },
    { letter: 'x', value: 'what', doc: 'That.' },
  ],
  statuses: [[7, 'Never.']],
  run: async ({ words, has, value, values, out }) => {
    if (words.length === 0) throw new CommandUsageError('')
    if (words.includes('bad')) throw new CommandUsageError('bad is bad')
    const printer = out.open([{ key: 'said', title: 'said' }], openFlow)
    printer.row([`${words.join(' ')} n=${has('n')} x=${value('x')} all=${values('x').join('+')}`])
    printer.end()
    return await Promise.resolve(7)
  },
}

describe('the command line is read as doveadm reads it', () => {
  const rows: readonly [argv: string, status: number, out: RegExp, err: RegExp, why: string][] = [
    ['say again a b', 7, /^said=a b n=false x=undefined all=\n$/, /^$/, 'words'],
    ['say again -nxone -x two a', 7, /said=a n=true x=two all=one\+two/, /^$/, 'glued letters and repeated options'],
    ['say again -- -n', 7, /said=-n n=false/, /^$/, 'after -- everything is a word'],
    ['-f json say again a', 7, /^\[\{"said":"a n=/, /^$/, 'a format'],
    ['-fjson -v -D say again a', 7, /^\[\{"said"/, /^$/, 'glued, and others'],
    ['-f xml say again a', 75, /^$/, /^doveadm: Fatal: Unknown print formatter: xml\n$/, 'no format'],
    ['-f', 64, /^$/, /^doveadm: option requires an argument -- 'f'\n$/, 'an option without its value'],
    ['-Z who', 64, /^$/, /^doveadm: invalid option -- 'Z'\n$/, 'no option'],
    ['say again', 64, /^$/, /^doveadm say again \[-n\] \[-x <what>\] <word>\n$/, 'too few words'],
    ['say again bad', 64, /^$/, /^Error: bad is bad\n$/, 'bad words'],
    ['say again -q', 64, /^$/, /^again: invalid option -- 'q'\n$/, 'no option of the command'],
    ['say again -x', 64, /^$/, /^again: option requires an argument -- 'x'\n$/, 'nor its value'],
    ['say', 64, /^$/, /^usage: doveadm \[-Dv\].* say <command>.*\n {2}again +\[-n\]/s, 'half a name'],
    ['shout', 64, /^$/, /unknown command 'shout'\nusage: postern doveadm/, 'no command'],
    ['', 64, /^$/, /^usage: postern doveadm/, 'nothing at all'],
    ['help', 0, /^usage: postern doveadm.*say again {2}Repeats\./s, /^$/, 'help'],
    ['--help', 0, /^usage: postern doveadm/, /^$/, 'help asked for differently'],
    [
      'help say again',
      0,
      /^usage: doveadm say again.*At length\..*-x <what> +That\..*7 +Never\./s,
      /^$/,
      'of a command',
    ],
    ['say again --help', 0, /^usage: doveadm say again/, /^$/, 'and from there'],
    ['help shout', 64, /^$/, /unknown command 'shout'/, 'of nothing'],
  ]
  for (const [line, status, out, err, why] of rows) {
    test(why, async () => {
      const ran = await run(line === '' ? [] : line.split(' '), [echo])
      assert.equal(ran.status, status)
      assert.match(ran.out, out)
      assert.match(ran.err, err)
    })
  }
})

test('without a server every command says so, with the status that doveadm has', async () => {
  const rows: readonly [line: string, status: number][] = [
    ['who', 75],
    ['kick joe', 75],
    ['proxy list', 75],
    ['proxy kick joe', 75],
    ['proxy backends', 75],
    ['auth test joe x', 77],
    ['auth lookup joe', 75],
    ['auth cache flush', 75],
    ['reload', 75],
    ['stop', 75],
    ['log errors', 75],
  ]
  for (const [line, status] of rows) {
    const ran = await run(['-c', '/x/dovecot.conf', ...line.split(' ')])
    assert.equal(ran.status, status, line)
    assert.match(ran.err, /no server is running \(\/x\/dovecot.conf\)/, line)
  }
})

test('-a is stronger than the configuration', async () => {
  const ran = await run(['who', '-a', '/nonexistent/socket'])
  assert.match(ran.err, /^Fatal: no server is running at \/nonexistent\/socket\n$/)
})

test('wrong words are complained of before a server is looked for', async () => {
  const rows: readonly [line: string, err: RegExp][] = [
    ['kick', /user and\/or ip\[\/bits\] must be specified/],
    ['kick a b', /Multiple username masks not supported/],
    ['who 10.0.0.1 10.0.0.2', /Multiple network masks not supported/],
    ['proxy kick', /^doveadm proxy kick /],
    ['auth test', /^doveadm auth test /],
    ['auth test a b c', /Extraneous arguments found: c/],
    ['auth lookup', /^doveadm auth lookup /],
    ['log errors x', /Extraneous arguments found: x/],
    ['reload x', /Extraneous arguments found: x/],
    ['stop x', /Extraneous arguments found: x/],
  ]
  for (const [line, err] of rows) {
    const ran = await run(line.split(' '))
    assert.equal(ran.status, 64, line)
    assert.match(ran.err, err, line)
  }
})

test('pw reads its own command line', async () => {
  assert.deepEqual(await run(['pw', '-s', 'PLAIN', '-p', 'x']), { status: 0, out: '{PLAIN}x\n', err: '' })
})

test('every command is explained in sentences, and its options are in its usage', () => {
  for (const { name, usage, summary, options, details = [] } of doveadmCommands) {
    for (const sentence of [summary, ...details, ...options.map(({ doc }) => doc)])
      assert.match(sentence, /^\S.*\.$/s, name)
    for (const { letter } of options) assert.ok(letter === 'a' || usage.includes(`-${letter}`), `${name}: -${letter}`)
  }
  const names = doveadmCommands.map(({ name }) => name)
  assert.deepEqual(names, [...new Set(names)].sort(), 'each once, in order')
})
