import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runDoveadm } from '../../cli.ts'
import { doveadmCommands } from '../index.ts'
import type { MailAdmin, TaskRequest } from './mail-admin.ts'

/** Runs `doveadm`; each task is noted, shows one row, and fails where it is about `Bad`. */
async function run(argv: readonly string[]): Promise<{ status: number; done: string[]; out: string; err: string }> {
  const done: string[] = []
  let [out, err] = ['', '']
  const mail = {
    check: ({ kind }: TaskRequest['task']) => ({ columns: [{ key: kind, title: kind }] }),
    async run({ user, task }: TaskRequest, hear: (news: { kind: 'row'; values: string[] }) => void) {
      const { kind, ...rest } = task
      done.push(`${user} ${kind} ${JSON.stringify(rest)}`)
      hear({ kind: 'row', values: [kind] })
      return await Promise.resolve({ kind: 'done', status: JSON.stringify(task).includes('Bad') ? 68 : 0 } as const)
    },
    async *users() {
      yield* await Promise.resolve(['joe', 'jane'])
    },
  } as unknown as MailAdmin
  const status = await runDoveadm(argv, doveadmCommands, {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    width: 80,
    readPassword: () => Promise.reject(new Error('no password is asked for')),
    socketPath: () => '',
    mail: () => mail,
  })
  return { status, done, out, err }
}

test('each user has all commands, up to the first that fails', async () => {
  const words = 'batch -A : mailbox delete -r Old : purge : mailbox delete Bad : purge'
  const { status, done } = await run(words.split(' '))
  assert.equal(status, 68)
  const old = '{"names":["Old"],"unsubscribe":false,"recursive":true,"onlyEmpty":false}'
  const bad = '{"names":["Bad"],"unsubscribe":false,"recursive":false,"onlyEmpty":false}'
  assert.deepEqual(
    done,
    ['joe', 'jane'].flatMap((user) => [
      `${user} mailbox-delete ${old}`,
      `${user} purge {}`,
      `${user} mailbox-delete ${bad}`,
    ]),
  )
})

test('each command has a listing of its own', async () => {
  const { out } = await run('-f json batch -u joe + mailbox list + quota get'.split(' '))
  assert.deepEqual(
    out.match(/\[[^\]]*\]/g)?.map((text) => JSON.parse(text) as unknown),
    [[{ 'mailbox-list': 'mailbox-list' }], [{ 'quota-get': 'quota-get' }]],
  )
})

test('what cannot be in a batch is refused before anything is done', async () => {
  for (const [why, words, text] of [
    ['no such command', ': purge : nosuch x', "Fatal: doveadm batch: 'nosuch' mail command doesn't exist\n"],
    ['half of one', ': purge : mailbox nosuch', "Fatal: doveadm batch: 'mailbox nosuch' mail command doesn't exist\n"],
    ['one that reads', ': purge : save -m X', "Fatal: doveadm batch: 'save' reads a message and cannot be here\n"],
    ['an option of the batch', ': mailbox list -u x', "Error: doveadm batch: mailbox list: invalid option -- 'u'\n"],
    ['one about no mail', ': purge : who', "Fatal: doveadm batch: 'who' mail command doesn't exist\n"],
  ] as const) {
    const { status, done, err } = await run(['batch', '-u', 'joe', ...words.split(' ')])
    assert.deepEqual([status, done, err], [64, [], text], why)
  }
})
