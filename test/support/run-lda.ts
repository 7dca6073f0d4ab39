import { execFile } from 'node:child_process'

/** Gives a message to Debian's dovecot-lda. */
export async function runLda(
  argv: readonly string[],
  input: string,
): Promise<{ readonly status: number; readonly err: string }> {
  return await new Promise((resolve) => {
    const child = execFile('/usr/lib/dovecot/dovecot-lda', argv, (error, _out, err) =>
      resolve({ status: error === null ? 0 : Number(error.code), err }),
    )
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}
