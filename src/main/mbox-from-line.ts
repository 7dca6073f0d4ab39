const FROM = Buffer.from('From ')
/** A line that is longer is no `From ` line. */
const LINE_BYTES = 1024

/** A message without the `From ` line of an mbox that some mail servers put in front of it. */
export async function* withoutFromLine(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of source) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    const size = Math.min(head.length, FROM.length)
    const isFrom: boolean = head.subarray(0, size).equals(FROM.subarray(0, size))
    const end: number = head.indexOf(0x0a)
    if (isFrom && end < 0 && head.length < LINE_BYTES) continue
    yield isFrom && size === FROM.length && end >= 0 ? head.subarray(end + 1) : head
    head = undefined
  }
  if (head !== undefined) yield head
}
