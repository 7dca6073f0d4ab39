import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServerProcess } from '../support/server-process.ts'
import { untilListening } from '../support/listening.ts'
import { userIds } from '../support/user-ids.ts'
import type { Place } from './config-text.ts'
import { launch, type Started } from './started.ts'

/** Where scripts/peers-install.sh unpacks it: Debian does not let it be installed beside Dovecot. */
export const CYRUS_ROOT = '/var/cache/postern-peers/cyrus'

const BIN = join(CYRUS_ROOT, 'usr/lib/cyrus/bin')
const LIBRARIES = join(CYRUS_ROOT, 'usr/lib/x86_64-linux-gnu')
const SASLPASSWD = '/usr/sbin/saslpasswd2'
/** Cyrus serves nobody as root; this user is on every Debian. */
const USER = 'mail'

/** Users of the sample, beside the administrator who may log in for them. */
const PASSWORDS = { joe: 'secret', jane: 'qu"ote', admin: 'adminsecret' } as const

const DAEMONS = [
  ['imap', 'imapd'],
  ['pop3', 'pop3d'],
  ['lmtp', 'lmtpd -a'],
  ['sieve', 'timsieved'],
] as const

/**
 * Cyrus IMAP, which has nothing in common with Dovecot, with mailboxes that appear when they are needed: joe (secret), jane
 * (qu"ote), and admin (adminsecret), who may log in as anybody. Ports imap, pop3, lmtp and sieve.
 */
export function startCyrus(): Promise<Started> {
  let ports: readonly number[] = []
  return launch({
    name: 'cyrus',
    config(place) {
      ports = DAEMONS.map(([protocol]) => place.port(protocol))
      return services(place)
    },
    start(text, dir) {
      writeFileSync(join(dir, 'cyrus.conf'), text)
      writeFileSync(join(dir, 'imapd.conf'), settings(dir))
      furnish(dir)
      const files = ['-C', join(dir, 'imapd.conf'), '-M', join(dir, 'cyrus.conf'), '-p', join(dir, 'master.pid')]
      return new ServerProcess({
        command: join(BIN, 'master'),
        args: [...files, '-D'],
        env: { ...process.env, LD_LIBRARY_PATH: LIBRARIES, CYRUS_VERBOSE: '1' },
      })
    },
    ready: async (server) => {
      for (const port of ports) await untilListening(server, port)
    },
  })
}

function services({ dir, port }: Place): string {
  const lines = DAEMONS.map(
    ([protocol, daemon]) =>
      `  ${protocol} cmd="${BIN}/${daemon} -C ${dir}/imapd.conf" listen="127.0.0.1:${port(protocol)}" prefork=0`,
  )
  return `START {\n  recover cmd="${BIN}/ctl_cyrusdb -C ${dir}/imapd.conf -r"\n}\nSERVICES {\n${lines.join('\n')}\n}\n`
}

function settings(dir: string): string {
  return `configdirectory: ${dir}/config
defaultpartition: default
partition-default: ${dir}/spool
sievedir: ${dir}/sieve
servername: cyrus.test
cyrus_user: ${USER}
cyrus_group: ${USER}
admins: admin
proxyservers: admin
allowplaintext: yes
unixhierarchysep: yes
autocreate_users: anyone
autocreate_quota: 0
autocreate_post: yes
popminpoll: 0
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${dir}/sasldb2
sasl_mech_list: PLAIN LOGIN
`
}

/** Directories and passwords, all for the user it runs as. */
function furnish(dir: string): void {
  const [uid, gid] = userIds(USER)
  for (const name of ['config', 'config/socket', 'config/proc', 'config/db', 'config/log', 'spool', 'sieve']) {
    mkdirSync(join(dir, name))
    chownSync(join(dir, name), uid, gid)
  }
  chownSync(dir, uid, gid)
  for (const [user, password] of Object.entries(PASSWORDS)) {
    const args = ['-p', '-c', '-f', join(dir, 'sasldb2'), '-u', 'cyrus.test', user]
    execFileSync(SASLPASSWD, args, { input: password })
  }
  chmodSync(join(dir, 'sasldb2'), 0o644)
}
