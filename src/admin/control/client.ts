import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { formatLine, type ControlReply, type ControlRequest } from './wire.ts'

/** The server is not running, or we may not talk to it. */
export class ControlUnavailable extends Error {
  override readonly name = 'ControlUnavailable'
}

/** Asks the running server. Yields rows and texts as they come and returns the `done` reply. */
export async function* askServer(
  path: string,
  request: ControlRequest,
  timeoutMs: number,
): AsyncGenerator<Extract<ControlReply, { kind: 'row' | 'text' }>, Extract<ControlReply, { kind: 'done' }>> {
  const socket = connect(path)
  const failed = new Promise<never>((_, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => reject(unavailable(path, error)))
    socket.setTimeout(timeoutMs, () => reject(new ControlUnavailable(`the server at ${path} did not answer in time`)))
  })
  failed.catch(() => undefined)
  socket.write(formatLine(request))
  const lines = createInterface(socket)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await Promise.race([lines.next(), failed])
      if (next.done === true) throw new ControlUnavailable(`the server at ${path} closed the connection`)
      const reply = JSON.parse(next.value) as ControlReply
      if (reply.kind === 'done') return reply
      yield reply
    }
  } finally {
    socket.destroy()
  }
}

function unavailable(path: string, error: NodeJS.ErrnoException): ControlUnavailable {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
    return new ControlUnavailable(`no server is running at ${path}`)
  if (error.code === 'EACCES') return new ControlUnavailable(`${path}: permission denied`)
  return new ControlUnavailable(`${path}: ${error.message}`)
}
