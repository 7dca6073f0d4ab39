import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { CommandCall } from '../command.ts'
import { EXIT } from '../command.ts'
import { type MailAdmin, MailTaskError } from './mail-admin.ts'
import { wildcardPattern } from '../../../util/wildcard.ts'

/** Whose mail a command is about. */
export type SelectedUsers =
  | { readonly kind: 'one'; readonly user: string | undefined }
  /** Reading them rejects with NoSuchList. */
  | { readonly kind: 'many'; readonly users: AsyncIterable<string> }

/** Users cannot be listed. */
export class NoSuchList extends Error {
  override readonly name = 'NoSuchList'
}

/** What `-u`, `-A`, `-F` and the environment say. Throws MailTaskError when none of them does. */
export function selectUsers({ has, value, mail }: Pick<CommandCall, 'has' | 'value' | 'mail'>): SelectedUsers {
  const file = value('F')
  const user = value('u')
  if (file !== undefined) return { kind: 'many', users: usersInFile(file) }
  if (has('A')) return { kind: 'many', users: listUsers(mail) }
  if (user !== undefined)
    return /[*?]/.test(user) ? { kind: 'many', users: matching(mail, [user]) } : { kind: 'one', user }
  if ((process.env.USER ?? '') !== '') return { kind: 'one', user: undefined }
  throw new MailTaskError('USER environment is missing and -u option not used', EXIT.usage)
}

/** Names of users that match one of these masks with `*` and `?`. */
export async function* matching(mail: MailAdmin, masks: readonly string[]): AsyncIterable<string> {
  const patterns = masks.map((mask) => wildcardPattern(mask))
  for await (const user of listUsers(mail)) if (patterns.some((pattern) => pattern.test(user))) yield user
}

async function* listUsers(mail: MailAdmin): AsyncIterable<string> {
  try {
    yield* mail.users()
  } catch (error) {
    throw new NoSuchList(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

async function* usersInFile(path: string): AsyncIterable<string> {
  const source = createReadStream(path)
  try {
    for await (const line of createInterface(source)) if (line !== '') yield line
  } catch (error) {
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'No such file or directory' : String(error)
    throw new NoSuchList(`read(${path}) failed: open(${path}) failed: ${why}`, { cause: error })
  } finally {
    source.destroy()
  }
}
