import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { runDoveadm } from '../../src/admin/cli.ts'
import { doveadmCommands } from '../../src/admin/commands/index.ts'
import { DoveadmMail } from '../../src/main/doveadm-mail.ts'
import type { Started } from '../peers/started.ts'
import type { CommandRun } from './run-postern.ts'

/** Runs Debian's doveadm on the configuration in `dir`. */
export function runTheirs(dir: string, argv: readonly string[]): Promise<CommandRun> {
  return new Promise((resolve) => {
    execFile('/usr/bin/doveadm', ['-c', join(dir, 'dovecot.conf'), ...argv], { cwd: dir }, (error, out, err) =>
      resolve({ status: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

/** The same words for ours, in this process. */
export async function runOurs(config: string, argv: readonly string[]): Promise<CommandRun> {
  let [out, err] = ['', '']
  const stderr = (text: string): void => void (err += text)
  const mail = new DoveadmMail({ config, overrides: [], printError: stderr })
  const status = await runDoveadm(argv, doveadmCommands, {
    stdout: (text) => void (out += text),
    stderr,
    width: 80,
    readPassword: () => Promise.reject(new Error('no password is asked for')),
    socketPath: () => '',
    mail: () => mail,
  })
  await mail.close()
  return { status, out, err }
}

/** The same for what a running server is asked over its control socket. */
export async function runAtServer({ dir }: Pick<Started, 'dir'>, argv: readonly string[]): Promise<CommandRun> {
  let [out, err] = ['', '']
  const status = await runDoveadm(argv, doveadmCommands, {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    width: 80,
    readPassword: () => Promise.reject(new Error('no password is asked for')),
    socketPath: () => join(dir, 'run', 'postern-control'),
    mail: () => {
      throw new Error('no mail is asked for')
    },
  })
  return { status, out, err }
}
