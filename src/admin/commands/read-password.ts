import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** Asks for passwords on standard input: without echo on a terminal, otherwise line by line; nothing more to read is ''. */
export function passwordReader(
  input: NodeJS.ReadStream = process.stdin,
  output: NodeJS.WriteStream = process.stderr,
): { readonly read: (prompt: string) => Promise<string>; readonly close: () => void } {
  const isTerminal = input.isTTY === true
  // readline echoes what is typed to its output: this one keeps it to itself.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: silent, terminal: isTerminal })
  // Raw mode takes the interrupt key for a key.
  lines.on('SIGINT', () => {
    lines.close()
    process.kill(process.pid, 'SIGINT')
  })
  const iterator = lines[Symbol.asyncIterator]()
  return {
    async read(prompt) {
      if (isTerminal) output.write(prompt)
      const line = await iterator.next()
      if (isTerminal) output.write('\n')
      return line.done === true ? '' : line.value
    },
    close: () => lines.close(),
  }
}
