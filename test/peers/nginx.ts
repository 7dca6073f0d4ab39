import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { untilListening } from '../support/listening.ts'
import { ServerProcess } from '../support/server-process.ts'
import { launch, type Started } from './started.ts'

export interface NginxOptions {
  readonly protocol: 'imap' | 'pop3' | 'smtp'
  /** URL of the service that nginx asks about each login. */
  readonly authHttp: string
  /** Further lines of the `mail` block. */
  readonly mail?: string
}

/** Starts nginx as a mail proxy on port `front`. */
export function startNginx({ protocol, authHttp, mail = '' }: NginxOptions): Promise<Started> {
  let front = 0
  return launch({
    name: 'nginx',
    config({ dir, port }) {
      front = port('front')
      return `load_module /usr/lib/nginx/modules/ngx_mail_module.so;
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log stderr info;
events {
}
mail {
  auth_http ${authHttp};
  ${mail}
  server {
    listen 127.0.0.1:${front};
    protocol ${protocol};
  }
}
`
    },
    start(text, dir) {
      const file = join(dir, 'nginx.conf')
      writeFileSync(file, text)
      return new ServerProcess({ command: '/usr/sbin/nginx', args: ['-c', file, '-e', 'stderr', '-p', dir] })
    },
    ready: (process) => untilListening(process, front),
  })
}
