import { readFileSync } from 'node:fs'

/** The numbers of a user of this machine and of its group. Throws when there is none. */
export function userIds(user: string): readonly [uid: number, gid: number] {
  const rows = readFileSync('/etc/passwd', 'utf8').split('\n')
  const row = rows.find((line) => line.startsWith(`${user}:`))
  if (row === undefined) throw new Error(`this machine has no user ${user}`)
  const [, , uid, gid] = row.split(':')
  return [Number(uid), Number(gid)]
}
