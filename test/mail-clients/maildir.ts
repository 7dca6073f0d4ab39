import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** A directory that changes faster than this many readings is broken. */
const MOST_TRIES = 20

/** A message as its file tells: subject and the letters of its flags, sorted. */
export interface FiledMessage {
  readonly subject: string
  readonly flags: string
}

/** Every mailbox of a Maildir++ with its messages, `Subject: FLAGS`, sorted. INBOX is ''. */
export function readMaildirs(root: string): Map<string, string[]> {
  const names = readdirSync(root).filter((name) => name.startsWith('.') && existsSync(join(root, name, 'cur')))
  return new Map(['', ...names].map((name) => [name, describeMaildir(join(root, name))]))
}

/** `subject [FLAGS]` of each message of one Maildir, sorted. */
export function describeMaildir(path: string): string[] {
  return readMaildir(path)
    .map(({ subject, flags }) => `${subject} [${flags}]`)
    .toSorted()
}

export function readMaildir(path: string): FiledMessage[] {
  for (let tries = 1; ; tries++) {
    try {
      return readOnce(path)
    } catch (error) {
      // A server renamed a file after its name was read.
      if (tries === MOST_TRIES || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
}

function readOnce(path: string): FiledMessage[] {
  return ['new', 'cur'].flatMap((part) =>
    readdirSync(join(path, part)).map((name) => ({
      subject: /^Subject: (.*?)\r?$/m.exec(readFileSync(join(path, part, name), 'latin1'))?.[1] ?? '',
      // Letters above Z are keywords, which every program numbers as it likes.
      flags: (/:2,([A-Za-z]*)/.exec(name)?.[1] ?? '').replaceAll(/[a-z]/g, '').split('').toSorted().join(''),
    })),
  )
}

export function makeMaildir(path: string): void {
  for (const part of ['', 'cur', 'new', 'tmp']) mkdirSync(join(path, part), { recursive: true })
}

let written = 0

/** Files a message as a delivery agent does. Returns its path. */
export function fileMessage(maildir: string, subject: string, flags?: string): string {
  const name = `17000${String(++written).padStart(5, '0')}.P${process.pid}.client`
  const path = join(maildir, flags === undefined ? 'new' : 'cur', flags === undefined ? name : `${name}:2,${flags}`)
  const tmp = join(maildir, 'tmp', name)
  writeFileSync(tmp, messageText(subject))
  renameSync(tmp, path)
  return path
}

export function messageText(subject: string): string {
  return [
    'From: Joe <joe@example.org>',
    'To: jane@example.org',
    `Subject: ${subject}`,
    'Date: Sun, 22 Nov 2026 10:00:00 +0000',
    `Message-ID: <${subject.replaceAll(' ', '-')}@example.org>`,
    '',
    `This is ${subject}.`,
    '',
  ].join('\n')
}

/** Gives the file of the message with this subject other flags, as a mail client on the disk does. */
export function reflag(maildir: string, subject: string, flags: string): void {
  const path = findMessage(maildir, subject)
  renameSync(path, join(maildir, 'cur', `${basename(path).replace(/:2,.*$/, '')}:2,${flags}`))
}

/** Removes the file of the message with this subject. */
export function unfile(maildir: string, subject: string): void {
  rmSync(findMessage(maildir, subject))
}

function findMessage(maildir: string, subject: string): string {
  for (const part of ['new', 'cur']) {
    for (const name of readdirSync(join(maildir, part))) {
      const path = join(maildir, part, name)
      if (new RegExp(`^Subject: ${subject}\\r?$`, 'm').test(readFileSync(path, 'latin1'))) return path
    }
  }
  throw new Error(`no "${subject}" in ${maildir}`)
}
