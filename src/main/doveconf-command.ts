import { arch, hostname, release, type } from 'node:os'
import { runDoveconf } from '../admin/commands/doveconf.ts'
import { systemFiles } from './config-files.ts'
import { takeConfigOptions } from './options.ts'
import { version } from './version.ts'

/** `postern doveconf ...` on this machine. */
export async function doveconfCommand(argv: readonly string[]): Promise<number> {
  return Promise.resolve(
    runDoveconf(argv, {
      stdout: (text) => void process.stdout.write(text),
      stderr: (text) => void process.stderr.write(text),
      files: systemFiles,
      hostname: hostname(),
      product: `Postern ${version()}`,
      system: `${type()} ${release()} ${arch()}`,
      env: new Map(Object.entries(process.env).map(([name, value]) => [name, value ?? ''])),
      defaultPath: takeConfigOptions([]).path,
    }),
  )
}
