import { execFile, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PASSWORD } from '../peers/local-mail.ts'
import { makeMaildir } from './maildir.ts'

/** Where a client finds its server, and a directory of its own. */
export interface ClientPlace {
  readonly home: string
  readonly user: string
  readonly imapPort: number
  readonly popPort: number
}

/** How long one run of a client may take on a busy machine. */
const RUN_MS = 120_000
/** How long getmail waits for a process of its own, in seconds, and how often it may wait in vain. */
const CHILD_S = 10
const ATTEMPTS = 6
const runFile = promisify(execFile)

/** Runs a client in its own home. Rejects with everything it said when it fails. */
export async function runClient(
  { home }: ClientPlace,
  command: string,
  args: readonly string[],
  ids: { readonly uid?: number; readonly gid?: number } = {},
): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: home, TERM: 'xterm', LANG: 'C.UTF-8', FETCHMAILHOME: home }
  try {
    const { stdout, stderr } = await runFile(command, [...args], { cwd: home, env, timeout: RUN_MS, ...ids })
    return stdout + stderr
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} failed: ${String(error)}\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** A program that keeps a local copy of all mailboxes. */
export interface Synchroniser {
  sync(): Promise<string>
  /** The local Maildir of a mailbox. */
  local(mailbox: 'INBOX' | 'Archive' | 'New'): string
}

export function mbsync(place: ClientPlace): Synchroniser {
  const { home, user, imapPort } = place
  const root = join(home, 'mail')
  mkdirSync(root)
  writeFileSync(
    join(home, 'mbsyncrc'),
    `IMAPAccount ours
Host 127.0.0.1
Port ${imapPort}
User ${user}
Pass ${PASSWORD}
SSLType None
AuthMechs LOGIN PLAIN

IMAPStore far
Account ours

MaildirStore near
Path ${root}/
Inbox ${root}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
`,
  )
  return {
    sync: () => runClient(place, 'mbsync', ['-c', join(home, 'mbsyncrc'), '-a']),
    local: (mailbox) => join(root, mailbox),
  }
}

export function offlineimap(place: ClientPlace): Synchroniser {
  const { home, user, imapPort } = place
  const root = join(home, 'mail')
  writeFileSync(
    join(home, 'rc'),
    `[general]
accounts = ours
ui = quiet
metadata = ${home}/state
[Account ours]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = ${root}
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = ${imapPort}
remoteuser = ${user}
remotepass = ${PASSWORD}
ssl = no
starttls = no
`,
  )
  return {
    sync: () => runClient(place, 'offlineimap', ['-o', '-c', join(home, 'rc')]),
    local: (mailbox) => join(root, mailbox),
  }
}

/** Runs mutt on INBOX, which it believes to have a terminal. `keys`: what is typed. */
export async function mutt(place: ClientPlace, keys: string): Promise<string> {
  return await runClient(place, 'script', muttCommand(place, keys))
}

/** The same, until it shows something: mutt forgets what is typed behind an error, and waits. */
export async function muttUntil(place: ClientPlace, keys: string, shows: RegExp): Promise<void> {
  const { home } = place
  const env = { PATH: process.env['PATH'], HOME: home, TERM: 'xterm', LANG: 'C.UTF-8' }
  const child = spawn('script', muttCommand(place, keys), { cwd: home, env, timeout: RUN_MS })
  let shown = ''
  for await (const chunk of child.stdout) {
    shown += String(chunk)
    if (shows.test(shown)) break
  }
  child.kill()
  if (!shows.test(shown)) throw new Error(`mutt did not show ${shows.source}: ${shown}`)
}

function muttCommand({ home, user, imapPort }: ClientPlace, keys: string): string[] {
  const url = `imap://${user}@127.0.0.1:${imapPort}`
  writeFileSync(
    join(home, 'muttrc'),
    `set imap_user = "${user}"
set imap_pass = "${PASSWORD}"
set ssl_starttls = no
set ssl_force_tls = no
set folder = "${url}/"
set spoolfile = "${url}/INBOX"
set imap_authenticators = "login"
set confirmappend = no
set confirmcreate = no
set delete = yes
set move = no
set quit = yes
set beep = no
set wait_key = no
set sleep_time = 0
push "${keys}"
`,
  )
  return ['-qec', `mutt -n -F ${home}/muttrc -f ${url}/INBOX`, '/dev/null']
}

export async function fetchmail(place: ClientPlace, protocol: 'IMAP' | 'POP3', options: string): Promise<string> {
  const { home, user, imapPort, popPort } = place
  const rc = join(home, `fetchmailrc-${protocol}`)
  const box = join(home, `fetched-${protocol}`)
  makeMaildir(box)
  // procmail and its like are not wanted: what fetchmail hands over goes into files.
  writeFileSync(
    rc,
    `poll 127.0.0.1 service ${protocol === 'IMAP' ? imapPort : popPort} protocol ${protocol} timeout 60 auth password ${protocol === 'POP3' ? 'uidl' : ''}
user "${user}" password "${PASSWORD}" sslproto "" ${options} mda "sh -c 'cat > ${box}/new/$$'"\n`,
    { mode: 0o600 },
  )
  // Root's has one place for all, and refuses to run twice: others may test with it.
  const files = ['--idfile', join(home, 'ids'), '--pidfile', join(home, 'fetchmail.pid')]
  await runClient(place, 'fetchmail', ['-f', rc, '--nosyslog', ...files])
  return box
}

export async function getmail(
  place: ClientPlace,
  protocol: 'IMAP' | 'POP3',
  ids: { readonly uid?: number; readonly gid?: number },
  give: (path: string) => void,
): Promise<string> {
  const { home, user, imapPort, popPort } = place
  const dir = join(home, `getmail-${protocol}`)
  const box = join(dir, 'box')
  makeMaildir(box)
  writeFileSync(
    join(dir, 'rc'),
    `[retriever]\ntype = Simple${protocol}Retriever\nserver = 127.0.0.1\nport = ${protocol === 'IMAP' ? imapPort : popPort}
username = ${user}\npassword = ${PASSWORD}\ntimeout = ${CHILD_S}\n[destination]\ntype = Maildir\npath = ${box}/\n[options]\ndelete = true\nverbose = 0
delivered_to = false\nreceived = false\n`,
  )
  // It delivers nothing as root.
  for (const path of [dir, box, ...['cur', 'new', 'tmp'].map((part) => join(box, part))]) give(path)
  // Its process for each message may end before it waits for that: it gives up then, and goes on the next time.
  for (let attempt = 1; ; attempt++) {
    try {
      await runClient(place, 'getmail', ['--getmaildir', dir, '--rcfile', 'rc'], ids)
      return box
    } catch (error) {
      if (attempt === ATTEMPTS || !/waiting child pid \d+ timed out/.test(String(error))) throw error
    }
  }
}
