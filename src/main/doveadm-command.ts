import { runDoveadm } from '../admin/cli.ts'
import { doveadmCommands } from '../admin/commands/index.ts'
import { passwordReader } from '../admin/commands/read-password.ts'
import { controlPathFrom } from './control-path.ts'
import { openOutput } from './output.ts'

/** `postern doveadm ...` on this machine: resolves with the exit status. */
export async function doveadmCommand(argv: readonly string[]): Promise<number> {
  const output = openOutput()
  let passwords: ReturnType<typeof passwordReader> | undefined
  try {
    return await runDoveadm(argv, doveadmCommands, {
      ...output,
      readPassword: async (prompt) => await (passwords ??= passwordReader()).read(prompt),
      socketPath: controlPathFrom,
    })
  } finally {
    passwords?.close()
  }
}
