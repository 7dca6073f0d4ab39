const LF = 0x0a
const CR = 0x0d

/** Where the body begins: behind the first empty line, or at the end when there is none. */
export function headerEnd(message: Buffer): number {
  let line = 0
  for (;;) {
    if (message[line] === LF) return line + 1
    if (message[line] === CR && message[line + 1] === LF) return line + 2
    const end = message.indexOf(LF, line)
    if (end < 0) return message.length
    line = end + 1
  }
}
