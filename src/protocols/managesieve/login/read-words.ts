import type { ByteStream } from '../../../net/byte-stream.ts'
import { WordReader, type Word } from '../wire/strings.ts'

/** Reads the words behind a command's name, with the literals among them. */
export async function readWords(
  stream: ByteStream,
  first: string,
  limits: { readonly lineBytes: number; readonly literalBytes: number; readonly literals: number },
): Promise<readonly Word[] | 'closed' | 'bad' | 'too-large'> {
  const reader = new WordReader()
  let step = reader.line(first)
  for (let literals = 0; step.kind === 'literal'; literals++) {
    if (step.sizeBytes > limits.literalBytes || literals >= limits.literals) return 'too-large'
    // RFC 5804 §4: clients only send {n+}; {n} is tolerated and gets no continuation, as none is defined.
    const bytes = await stream.readBytes(step.sizeBytes)
    const next = bytes && (await stream.readLine(limits.lineBytes))
    if (bytes === undefined || next === undefined) return 'closed'
    reader.literal(bytes.toString('latin1'))
    step = reader.line(next)
  }
  return step.kind === 'bad' ? 'bad' : reader.words
}
