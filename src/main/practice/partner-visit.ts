import type { Socket } from 'node:net'
import type { Role } from './partner-roles.ts'

/** A login that hangs is given up. */
const LOGIN_MS = 5_000
/** More than any answer that matters. */
const LINE_CHARACTERS = 200
/** Long enough for what is sent to fill all buffers on the way. */
const PAUSE_MS = 20

function pause(socket: Socket): void {
  socket.pause()
  setTimeout(() => socket.resume(), PAUSE_MS)
}

export interface Visit {
  readonly role: Role
  readonly commands: readonly string[]
  readonly leaves: boolean
  /** Does not read for a while once the bulk is asked for. */
  readonly slow: boolean
}

/**
 * One session: logs in, says the commands, and leaves by itself or is left by the backend. Resolves with whether the login was let
 * in.
 */
export function visit(socket: Socket, { role, commands, leaves, slow }: Visit): Promise<boolean> {
  return new Promise((resolve) => {
    let step = 0
    let unread = ''
    const giveUp = setTimeout(() => socket.destroy(), LOGIN_MS)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(giveUp)
      resolve(step > commands.length - 2)
    })
    socket.on('data', (chunk: Buffer) => {
      unread += chunk.toString('latin1')
      const lines = unread.split('\r\n')
      // The last line may be megabytes of a message.
      unread = (lines.pop() ?? '').slice(-LINE_CHARACTERS)
      for (const line of lines) {
        if (role.answered[step]?.test(line) !== true) continue
        const command = commands[step++]
        if (command === undefined || (leaves && step === commands.length)) socket.end()
        else socket.write(`${command}\r\n`, 'latin1')
        if (slow && command === role.bulk) pause(socket)
      }
    })
  })
}
