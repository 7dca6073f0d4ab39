import { runDoveadm } from '../admin/cli.ts'
import { doveadmCommands } from '../admin/commands/index.ts'
import { passwordReader } from '../admin/commands/read-password.ts'
import { controlPathFrom } from './control-path.ts'
import { DoveadmMail } from './doveadm-mail.ts'
import { openOutput } from './output.ts'

/** `postern doveadm ...` on this machine: resolves with the exit status. */
export async function doveadmCommand(argv: readonly string[]): Promise<number> {
  const output = openOutput()
  let passwords: ReturnType<typeof passwordReader> | undefined
  let mail: DoveadmMail | undefined
  try {
    return await runDoveadm(argv, doveadmCommands, {
      ...output,
      readPassword: async (prompt) => await (passwords ??= passwordReader()).read(prompt),
      socketPath: controlPathFrom,
      mail: (options) => (mail ??= new DoveadmMail({ ...options, printError: output.stderr })),
      ...(process.stderr.isTTY ? { progress: (text) => output.stderr(`\r${text}\u001b[K`) } : undefined),
    })
  } finally {
    passwords?.close()
    await mail?.close()
  }
}
