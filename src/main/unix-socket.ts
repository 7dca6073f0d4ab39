import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import type { ListenerPlan, UnixAccess } from '../config/listeners.ts'
import { asError } from '../util/as-error.ts'

/**
 * Makes room for the UNIX sockets of a configuration: their folders, and no sockets of a server that died. One process does it
 * for all workers, before they open them. A socket on which somebody answers stays.
 */
export async function clearUnixSockets(plans: readonly Pick<ListenerPlan, 'address' | 'unix'>[]): Promise<void> {
  for (const { address, unix } of plans) {
    if (unix === undefined) continue
    try {
      mkdirSync(dirname(address), { recursive: true, mode: 0o755 })
      if (statSync(address).isSocket() && !(await answers(address))) rmSync(address)
    } catch {
      // Not there, or not ours: opening it will tell.
    }
  }
}

/** Gives an open socket its mode and owner. Throws when a name is unknown or this process may not. */
export function grantUnixAccess(path: string, { mode, user, group }: UnixAccess): void {
  chmodSync(path, mode)
  if (user === '' && group === '') return
  const { uid, gid } = statSync(path)
  chownSync(path, user === '' ? uid : idOf('/etc/passwd', user), group === '' ? gid : idOf('/etc/group', group))
}

/** Why the owners of a socket cannot be, if so. */
export function accessProblem({ user, group }: UnixAccess): string | undefined {
  try {
    if (user !== '') idOf('/etc/passwd', user)
    if (group !== '') idOf('/etc/group', group)
    return undefined
  } catch (error) {
    return asError(error).message
  }
}

function idOf(file: string, name: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const rows = readFileSync(file, 'utf8').split('\n')
  const id = rows.find((row) => row.startsWith(`${name}:`))?.split(':')[2]
  if (id === undefined) throw new Error(`${file} has no ${name}`)
  return Number(id)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (isAnswer: boolean): void => {
      socket.destroy()
      resolve(isAnswer)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}
