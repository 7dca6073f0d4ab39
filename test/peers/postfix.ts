import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServerProcess } from '../support/server-process.ts'
import { untilListening } from '../support/listening.ts'
import { userIds } from '../support/user-ids.ts'
import { launch, type Started } from './started.ts'

/** What else a Postfix is to do: lines for main.cf and master.cf. */
export interface PostfixMore {
  readonly settings: string
  readonly services: string
}

/** A Postfix that takes mail from this machine on port `smtp` and hands all of it to an LMTP server. Its log is the file `maillog`. */
export function startPostfix(lmtpPort: number, more: PostfixMore = { settings: '', services: '' }): Promise<Started> {
  let ready = 0
  return launch({
    name: 'postfix',
    config({ port }) {
      ready = port('smtp')
      return services(ready) + more.services
    },
    start(text, dir) {
      mkdirSync(join(dir, 'queue'))
      mkdirSync(join(dir, 'data'))
      chownSync(join(dir, 'data'), ...userIds('postfix'))
      writeFileSync(join(dir, 'main.cf'), settings(dir, lmtpPort) + more.settings)
      writeFileSync(join(dir, 'master.cf'), text)
      // Makes the folders of its queue; `postfix start-fg` would, but starts a master that leaves our process group.
      execFileSync('/usr/sbin/postfix', ['-c', dir, 'check'], { stdio: 'ignore' })
      return new ServerProcess({ command: '/usr/lib/postfix/sbin/master', args: ['-c', dir, '-d'] })
    },
    ready: async (server) => await untilListening(server, ready),
  })
}

function settings(dir: string, lmtpPort: number): string {
  return `compatibility_level = 3.6
queue_directory = ${dir}/queue
data_directory = ${dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${dir}/maillog
maillog_file_prefixes = ${dir}
myhostname = postfix.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
alias_database =
default_transport = lmtp:inet:127.0.0.1:${lmtpPort}
smtpd_tls_security_level = none
lmtp_destination_recipient_limit = 50
`
}

/** What delivering by LMTP takes, nothing in a chroot. */
function services(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`
}
