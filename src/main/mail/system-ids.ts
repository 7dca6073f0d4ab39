import { readFile } from 'node:fs/promises'
import type { SystemUsers } from '../../auth/system-users.ts'
import type { SystemIds } from './mail-owner.ts'

/** Numbers of system accounts. Groups are those of /etc/group. */
export function openSystemIds(users: SystemUsers): SystemIds {
  return {
    user: async (name) => await users.user(name),
    group: groupId,
  }
}

/** The number of a group. */
export async function groupId(name: string): Promise<number | undefined> {
  const text = await readFile('/etc/group', 'utf8')
  const line = text.split('\n').find((entry) => entry.startsWith(`${name}:`))
  const gid = line?.split(':')[2]
  return gid === undefined ? undefined : Number(gid)
}
