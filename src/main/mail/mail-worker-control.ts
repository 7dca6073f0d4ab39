import type { ControlReply } from '../../admin/control/wire.ts'
import type { MailOwner } from './mail-owner.ts'

/** The part of the supervisor that starts mail workers. */
export interface MailWorkerSource {
  readonly workerCount: number
  mailSocket(owner: MailOwner, share: number): Promise<string>
}

/** Tells a command where the process is that opens an owner's mail; without an owner, how many share the users of one. */
export async function tellMailWorker(
  source: MailWorkerSource,
  input: unknown,
  reply: (reply: ControlReply) => void,
): Promise<number> {
  const asked = readOwner(input)
  const shares = String(source.workerCount)
  const row: Record<string, string> =
    asked === undefined ? { shares } : { path: await source.mailSocket(asked, asked.share) }
  reply({ kind: 'row', row })
  return 0
}

function readOwner(input: unknown): (MailOwner & { readonly share: number }) | undefined {
  const given = new Map(Object.entries(typeof input === 'object' && input !== null ? input : {}))
  if (given.size === 0) return undefined
  const [uid, gid, share] = ['uid', 'gid', 'share'].map((key) => {
    const value: unknown = given.get(key)
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Error(`${key} is no number`)
    return value
  })
  return { uid: uid ?? 0, gid: gid ?? 0, share: share ?? 0 }
}
