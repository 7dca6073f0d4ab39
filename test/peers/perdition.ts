import { untilListening } from '../support/listening.ts'
import { ServerProcess } from '../support/server-process.ts'
import { launch, type Started } from './started.ts'

export interface PerditionOptions {
  readonly protocol: 'IMAP4' | 'POP3'
  /** Where every user goes: `127.0.0.1:143`. */
  readonly target: string
}

/** Starts Perdition as a mail proxy for everybody on port `front`. */
export function startPerdition({ protocol, target }: PerditionOptions): Promise<Started> {
  let front = 0
  return launch({
    name: 'perdition',
    config({ port }) {
      front = port('front')
      return ''
    },
    start(_text, dir) {
      const options = {
        protocol,
        bind_address: `127.0.0.1:${front}`,
        outgoing_server: target,
        map_library: '',
        log_facility: `${dir}/mail.log`,
        pid_file: '',
        ssl_mode: 'none',
      }
      const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
      return new ServerProcess({ command: '/usr/sbin/perdition', args: ['--no_daemon', '--no_lookup', ...args] })
    },
    ready: (process) => untilListening(process, front),
  })
}
