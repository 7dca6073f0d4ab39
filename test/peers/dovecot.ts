import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServerProcess } from '../support/server-process.ts'
import type { ConfigText } from './config-text.ts'
import { launch, type Started } from './started.ts'

/**
 * Starts a private Dovecot of the Debian packages: own directories, loopback only, no failure delays or penalties, log to
 * us. `config` is appended and may change any of that. It must name its listeners, usually with `imapListeners`.
 */
export function startDovecot(config: ConfigText): Promise<Started> {
  return launch({
    name: 'dovecot',
    config: (place) => `${preamble(place.dir)}\n${config(place)}\n`,
    start(text, dir) {
      const file = join(dir, 'dovecot.conf')
      writeFileSync(file, text)
      chmodSync(file, 0o644)
      return new ServerProcess({ command: '/usr/sbin/dovecot', args: ['-F', '-c', file] })
    },
    // Its master takes a second, and half a minute while clients are connected. It has nothing to lose.
    patienceMs: 0,
    // The listeners are open before this line is written.
    ready: (server) => server.waitForLine(/Info: Dovecot v\S+ .*starting up/),
  })
}

function preamble(dir: string): string {
  return `base_dir = ${dir}/run
state_dir = ${dir}/run
log_path = /dev/stderr
listen = 127.0.0.1
ssl = no
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
`
}

/** Protocols with a login service. */
export type LoginProtocol = 'imap' | 'pop3' | 'submission' | 'sieve'

/** Listener blocks of a login service on ports named like its protocol and, with `tls`, that name with an `s`. */
export function loginListeners(protocol: LoginProtocol, port: (name: string) => number, tls = false): string {
  return `service ${protocol === 'sieve' ? 'managesieve' : protocol}-login {
  inet_listener ${protocol} {
    port = ${port(protocol)}
  }
  inet_listener ${protocol}s {
    port = ${tls ? port(`${protocol}s`) : 0}
    ssl = yes
  }
}
`
}

/** Listener blocks of the IMAP login service on ports named `imap` and, with `tls`, `imaps`. */
export function imapListeners(port: (name: string) => number, tls = false): string {
  return loginListeners('imap', port, tls)
}
