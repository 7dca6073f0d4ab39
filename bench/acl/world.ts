import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OWNER } from '../mail/servers.ts'

/** Who shares how much, and who sees what of it. */
export interface World {
  readonly sharers: number
  /** Each sharer's, INBOX not among them; all of them have entries. */
  readonly mailboxesEach: number
  /** So many sharers have one that joe, and one that the team's jane may see. */
  readonly visible: number
}

/** Ten thousand mailboxes with ACLs, a thousand sharers, a user who sees fifty. */
export const WORLD: World = { sharers: 1000, mailboxesEach: 10, visible: 50 }

/** A mailbox of joe's own, for the cost of commands. */
export const OWN_MESSAGES = 1000

export function sharerName(number: number): string {
  return `sharer${number}`
}

/**
 * Mail below `root`, the shared dictionary, and the lists that Dovecot would make at the first look. Joe is named by those who share
 * with him. Jane belongs to the team, with which everybody shares, and most of what is shared is denied to her again: all of it has
 * to be looked at to know what she sees.
 */
export function writeWorld(root: string, { sharers, mailboxesEach, visible }: World): void {
  const keys: string[] = []
  for (let number = 0; number < sharers; number += 1) {
    const name = sharerName(number)
    const isVisible = number < visible
    const maildir = join(root, name, 'Maildir')
    makeMailbox(maildir)
    const listed: string[] = []
    for (let box = 0; box < mailboxesEach; box += 1) {
      const path = join(maildir, `.Box${box}`)
      makeMailbox(path)
      const lines = [`user=colleague${number} lrwst`, 'owner lrwstipekxa']
      if (isVisible && box === 0) lines.push('user=joe lrs')
      if (box === 1) lines.push('group=team lr', ...(isVisible ? [] : ['-user=jane lr']))
      const file = join(path, 'dovecot-acl')
      writeFileSync(file, `${lines.join('\n')}\n`)
      own(file)
      listed.push(`${Math.floor(statSync(file).mtimeMs / 1000)} Box${box}\n`)
    }
    const list = join(maildir, 'dovecot-acl-list')
    writeFileSync(list, listed.join(''))
    own(list)
    keys.push(`user/colleague${number}/${name}`, `group/team/${name}`, ...(isVisible ? [`user/joe/${name}`] : []))
  }
  for (const user of ['joe', 'jane']) makeMailbox(join(root, user, 'Maildir'))
  makeMailbox(join(root, 'joe/Maildir/.Target'))
  const dict = join(root, 'shared-mailboxes.db')
  writeFileSync(dict, keys.map((key) => `shared/shared-boxes/${key}\n1\n`).join(''))
  own(dict)
}

function makeMailbox(path: string): void {
  for (const part of ['cur', 'new', 'tmp']) {
    mkdirSync(join(path, part), { recursive: true })
    own(join(path, part))
  }
  own(path)
  own(join(path, '..'))
}

function own(path: string): void {
  chownSync(path, OWNER.uid, OWNER.gid)
}
