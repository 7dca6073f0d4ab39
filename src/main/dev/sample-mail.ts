import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'

/** The system user that sample mail belongs to. */
export interface MailFileOwner {
  readonly name: string
  readonly group: string
  readonly uid: number
  readonly gid: number
}

/** Nobody serves mail as root: root's sample mail belongs to the system user `mail`. */
export function mailOwner(): MailFileOwner {
  const { username, uid, gid } = userInfo()
  if (uid !== 0) return { name: username, group: execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim(), uid, gid }
  const line = readFileSync('/etc/passwd', 'latin1')
    .split('\n')
    .find((row) => row.startsWith('mail:'))
  const [name, , mailUid, mailGid] = line?.split(':') ?? []
  if (name === undefined) throw new Error('the system has no user "mail" to own the sample mail')
  return { name, group: name, uid: Number(mailUid), gid: Number(mailGid) }
}

/** A Maildir with one message, if it is not there yet. */
export function writeSampleMail(maildir: string, user: string, owner: MailFileOwner): void {
  const message = `From: postern@example.org\r\nTo: ${user}\r\nSubject: Hello ${user}\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\nThis mail lives on the backend of ${user}.\r\n`
  for (const part of ['', 'cur', 'new', 'tmp']) mkdirSync(join(maildir, part), { recursive: true })
  // Its flags are in its name: it may have been read since.
  const unique = '1700000000.M1P1.sample'
  const known = readdirSync(join(maildir, 'cur')).find((name) => name.startsWith(unique))
  const file = join(maildir, 'cur', known ?? `${unique},S=${message.length},W=${message.length}:2,`)
  if (known === undefined) writeFileSync(file, message)
  if (process.getuid?.() !== 0) return
  for (const path of [maildir, join(maildir, 'cur'), join(maildir, 'new'), join(maildir, 'tmp'), file])
    chownSync(path, owner.uid, owner.gid)
  chmodSync(maildir, 0o700)
}

/** A directory below which users' mail may be made. */
export function makeMailDirectory(path: string, { uid, gid }: MailFileOwner): void {
  mkdirSync(path, { recursive: true })
  if (process.getuid?.() === 0) chownSync(path, uid, gid)
}
