import type { RemotePlace } from '../../../remote-mail.ts'
import { decodeMutf7 } from '../../../../util/mutf7.ts'
import type { Argument } from '../../wire/argument-reader.ts'
import { RemoteConnection, type ResponseSink } from './connection.ts'
import type { RemoteNaming } from './remote-names.ts'
import { textOf } from './response.ts'
import { AnswerSink } from './sinks.ts'

/** Connects to a place and learns what its server can do and how it builds names. Rejects with RemoteUnavailable, RemoteLost. */
export async function openConnection(place: RemotePlace, signal: AbortSignal): Promise<RemoteConnection> {
  const connection = new RemoteConnection(place, await place.connect(signal))
  const abort = (): void => connection.destroy()
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    await introduce(connection)
    return connection
  } catch (error) {
    connection.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** What a server says of itself before a login need not be true behind it. All questions leave together. */
async function introduce(connection: RemoteConnection): Promise<void> {
  const sink = new AnswerSink(['CAPABILITY', 'NAMESPACE', 'LIST'], DEAF)
  connection.send('c CAPABILITY\r\nn NAMESPACE\r\nl LIST "" ""\r\n')
  for (const tag of ['c', 'n', 'l']) await connection.next(tag, sink)
  const argsOf = (wanted: string): readonly Argument[] => sink.answers.find(({ name }) => name === wanted)?.args ?? []
  connection.capability = new Set(argsOf('CAPABILITY').map((word) => textOf(word)?.toUpperCase() ?? ''))
  connection.naming = namingOf(argsOf('LIST'), argsOf('NAMESPACE'))
}

/** NAMESPACE of RFC 2342, where the server knows it, and `LIST "" ""`. */
function namingOf([, root]: readonly Argument[], [, others, shared]: readonly Argument[]): RemoteNaming {
  const separator = textOf(root)
  return {
    separator: separator === undefined || separator.toUpperCase() === 'NIL' ? '' : separator,
    foreignPrefixes: [...prefixesOf(others), ...prefixesOf(shared)],
  }
}

/** Prefixes of `(("shared/" "/")("Public/" "/"))`; the empty one would be everything. */
function prefixesOf(argument: Argument | undefined): readonly string[] {
  if (argument?.kind !== 'list') return []
  return argument.items.flatMap((item) => {
    const prefix = item.kind === 'list' ? decodeMutf7(textOf(item.items[0]) ?? '') : undefined
    return prefix === undefined || prefix === '' ? [] : [prefix]
  })
}

const DEAF: ResponseSink = {
  choose: () => 'drop',
  text: () => undefined,
  bytes: () => undefined,
  drained: () => undefined,
  gathered: () => undefined,
}
