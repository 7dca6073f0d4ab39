import { arch, hostname, release, type } from 'node:os'
import { runDoveconf } from '../admin/commands/doveconf.ts'
import { systemFiles } from './config-files.ts'
import { takeConfigOptions } from './options.ts'
import { version } from './version.ts'

/** `postern doveconf ...` on this machine. */
export async function doveconfCommand(argv: readonly string[]): Promise<number> {
  let [stdout, stderr] = ['', '']
  const status = runDoveconf(argv, {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    files: systemFiles(),
    hostname: hostname(),
    product: `Postern ${version()}`,
    system: `${type()} ${release()} ${arch()}`,
    env: new Map(Object.entries(process.env).map(([name, value]) => [name, value ?? ''])),
    defaultPath: takeConfigOptions([]).path,
  })
  await Promise.all([write(process.stdout, stdout), write(process.stderr, stderr)])
  return status
}

/** A reader such as `head` may go away before the end, which is no error. */
async function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  stream.on('error', () => undefined)
  await new Promise<void>((resolve) => void stream.write(text, () => resolve()))
}
