import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Wire } from '../support/wire.ts'
import { END, type Step } from './dialogues.ts'

/** Connects to an auth socket. Close it with `destroy`. */
export async function connectAuth(path: string): Promise<Wire> {
  const socket = connect(path)
  await once(socket, 'connect')
  // A server that closes while we write resets the connection.
  socket.on('error', () => undefined)
  return new Wire(socket, 'client')
}

/** Reads what the server says first. */
export async function readHandshake(wire: Wire): Promise<readonly string[]> {
  return await wire.linesUntil(/^DONE$/)
}

/** Plays the client's part, and checks what it hears. */
export async function play(path: string, steps: readonly Step[]): Promise<void> {
  const wire = await connectAuth(path)
  try {
    await readHandshake(wire)
    for (const [said, heard] of steps) {
      wire.sendRaw(said)
      if (heard[0] === END) await wire.expectEnd()
      else await hear(wire, heard)
    }
  } finally {
    wire.destroy()
  }
}

async function hear(wire: Wire, wanted: readonly (string | RegExp)[]): Promise<void> {
  const lines: string[] = []
  while (lines.length < wanted.length) lines.push(await wire.line())
  const isWanted = (line: string): boolean =>
    wanted.some((one) => (typeof one === 'string' ? one === line : one.test(line)))
  if (!lines.every(isWanted)) assert.deepEqual(lines.toSorted(), wanted.map(String).toSorted())
}
