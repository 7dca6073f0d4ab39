import type { Started } from '../peers/started.ts'
import { startDovecot } from '../peers/dovecot.ts'
import { connectRaw } from '../support/raw-client.ts'
import { aclConfig } from './acl-config.ts'

/** A Dovecot with the acl plugin; `prepare` puts mail and entries into its directory first. */
export function startAclDovecot(prepare: (dir: string) => void = () => undefined): Promise<Started> {
  return startDovecot((place) => aclConfig(place, { prepare, more: 'service imap {\n  process_min_avail = 1\n}\n' }))
}

/** The untagged and tagged lines of one command. */
export interface ImapAnswer {
  readonly untagged: readonly string[]
  /** Without the tag, timing suffix and final full stop. */
  readonly tagged: string
}

export interface AclSession {
  /** Sends all commands at once; answers in order. */
  run(commands: readonly string[]): Promise<readonly ImapAnswer[]>
  logout(): Promise<void>
}

/** Logs in as `user`; a master login is `olga*admin` with its own password. */
export async function loginImap(server: Started, user: string, password = 'pw'): Promise<AclSession> {
  const wire = await connectRaw({ port: server.ports['imap'] ?? 0, name: user })
  await wire.expect(/^\* OK /)
  wire.send(`l LOGIN ${user} ${password}`)
  await wire.expect(/^l OK /)
  return {
    async run(commands) {
      wire.send(...commands.map((command, at) => `t${at} ${command}`))
      const answers: ImapAnswer[] = []
      for (let at = 0; at < commands.length; at += 1) {
        const untagged: string[] = []
        for (;;) {
          const line = await wire.line()
          if (line.startsWith(`t${at} `)) {
            answers.push({ untagged, tagged: plain(line.slice(`t${at} `.length)) })
            break
          }
          untagged.push(line)
        }
      }
      return answers
    },
    async logout() {
      wire.send('x LOGOUT')
      await wire.expect(/^\* BYE /)
      await wire.linesUntil(/^x OK /)
      // It closes its files before the connection.
      await wire.expectEnd()
    },
  }
}

/** A reply without what changes from run to run. */
export function plain(line: string): string {
  return line
    .replace(/ \(\d+\.\d+ \+ [^()]* secs\)\.?$/, '')
    .replace(/ \[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]$/, '')
    .replace(/\.$/, '')
}
