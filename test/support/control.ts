import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { askServer } from '../../src/admin/control/client.ts'
import type { ControlReply } from '../../src/admin/control/wire.ts'
import type { Started } from '../peers/started.ts'
import { PATIENCE_MS } from './deadline.ts'

type Row = Readonly<Record<string, string>>

/** What a command of the control socket answers, as `doveadm` hears it, without starting one. */
export async function askControl({ dir }: Started, command: string, input: unknown): Promise<ControlReply[]> {
  const replies: ControlReply[] = []
  const path = join(dir, 'run', 'postern-control')
  for await (const reply of askServer(path, { command, input }, PATIENCE_MS)) replies.push(reply)
  return replies
}

export async function askRows(server: Started, command: string, input: unknown): Promise<readonly Row[]> {
  return (await askControl(server, command, input)).flatMap((reply) => (reply.kind === 'row' ? [reply.row] : []))
}

/** Asks again until it is so: what other processes do takes a moment, and on a busy machine a long one. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const latest = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    assert.ok(performance.now() < latest, `never: ${what}`)
    await pause(20)
  }
}

/** Resolves when a user, or without one everybody, has so many sessions: those that ended are forgotten a moment later. */
export async function untilSessions(server: Started, count: number, user?: string): Promise<void> {
  const filter = { users: user === undefined ? [] : [user], networks: [], hosts: [], states: [] }
  const isSo = async (): Promise<boolean> => (await askRows(server, 'sessions', filter)).length === count
  await eventually(`${count} sessions of ${user ?? 'all'}`, isSo)
}
