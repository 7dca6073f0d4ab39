import { bytesFromText } from '../acl/byte-text.ts'

/** Characters in a line where there is no terminal. */
const DEFAULT_WIDTH = 80

/**
 * Standard output and error of a command; messages may hold bytes that are no UTF-8. A reader such as `head` may go away before
 * the end, which is no error.
 */
export function openOutput(): {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly width: number
} {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  return {
    stdout: (text) => void process.stdout.write(bytesFromText(text)),
    stderr: (text) => void process.stderr.write(text),
    width: process.stdout.columns ?? DEFAULT_WIDTH,
  }
}
