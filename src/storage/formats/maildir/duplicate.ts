import { renameSync, statSync } from 'node:fs'
import { hasCode, pathOf } from './disk.ts'
import type { MailboxPlace } from './mailbox-place.ts'
import { uniqueName } from './unique-name.ts'
import type { FoundFile } from './scan.ts'

/**
 * Two files with one base name: the second one found gets a name of its own in `new`, as Dovecot does. False when there is only
 * one file after all, under the name found last: it was renamed while the directory was read.
 */
export function separateDuplicate(
  { mail, context }: MailboxPlace,
  first: { readonly fileName: string; readonly isNew: boolean },
  second: FoundFile,
): boolean {
  const secondName = second.base + second.info
  const firstPath = pathIn(mail, first.isNew, first.fileName)
  const secondPath = pathIn(mail, second.isNew, secondName)
  const one = statSync(firstPath, { throwIfNoEntry: false })
  const other = statSync(secondPath, { throwIfNoEntry: false })
  if (one === undefined) return false
  // Hard links of one message: whichever name is read, nothing is lost.
  if (other === undefined || (one.ino === other.ino && one.dev === other.dev)) return true
  const name = uniqueName(context.hostname)
  try {
    renameSync(secondPath, `${mail}/new/${name}`)
    context.log('warning', `Fixed a duplicate: ${mail}/${second.isNew ? 'new' : 'cur'}/${secondName} -> ${name}`)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) context.log('error', `rename(${secondName}, ${name}) failed: ${String(error)}`)
  }
  return true
}

function pathIn(mail: string, isNew: boolean, name: string): string | Buffer {
  return pathOf(`${mail}/${isNew ? 'new' : 'cur'}`, name)
}
