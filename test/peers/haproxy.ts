import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { untilListening } from '../support/listening.ts'
import { ServerProcess } from '../support/server-process.ts'
import { launch, type Started } from './started.ts'

export interface HaproxyOptions {
  /** Where the connections go: `127.0.0.1:143`. */
  readonly target: string
  /** HAProxy's own words for the server line: `send-proxy`, `send-proxy-v2`, `send-proxy-v2-ssl` ... */
  readonly server?: string
  /** Extra words for the bind line, such as `ssl crt FILE`. */
  readonly bind?: string
}

/** Starts HAProxy as a TCP relay on port `front`. */
export function startHaproxy({ target, server = '', bind = '' }: HaproxyOptions): Promise<Started> {
  let front = 0
  return launch({
    name: 'haproxy',
    config({ port }) {
      front = port('front')
      return `global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen relay
  bind 127.0.0.1:${front} ${bind}
  server target ${target} ${server}
`
    },
    start(text, dir) {
      const file = join(dir, 'haproxy.cfg')
      writeFileSync(file, text)
      return new ServerProcess({ command: '/usr/sbin/haproxy', args: ['-db', '-f', file] })
    },
    ready: (process) => untilListening(process, front),
  })
}
