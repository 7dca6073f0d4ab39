import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { firstExisting, type Peer, type Site } from './peer.ts'

/** nginx's mail proxy. The fake backend answers its auth_http requests. */

const program = () => firstExisting('/usr/sbin/nginx', '/usr/local/sbin/nginx')
const mailModule = () =>
  firstExisting('/usr/lib/nginx/modules/ngx_mail_module.so', '/usr/lib64/nginx/modules/ngx_mail_module.so')

/** `error_log … info` writes a line for each login, as Dovecot and Postern do. */
function nginxConf(site: Site, proxyBuffer: string | undefined): string {
  return `load_module ${mailModule()};
daemon off;
master_process on;
worker_processes ${site.workers};
pid ${site.directory}/nginx.pid;
error_log ${site.directory}/mail.log info;
events {
  worker_connections 18000;
}
mail {
  auth_http 127.0.0.1:${site.backend.auth_http}/;
  ssl_certificate ${site.certificate.certFile};
  ssl_certificate_key ${site.certificate.keyFile};
  ${proxyBuffer === undefined ? '' : `proxy_buffer ${proxyBuffer};`}
  server {
    listen 127.0.0.1:${site.ports.plain};
    protocol ${site.protocol};
  }
  server {
    listen 127.0.0.1:${site.ports.tls} ssl;
    protocol ${site.protocol};
  }
}
`
}

function nginxWith(name: 'nginx' | 'nginx_64k', title: string, proxyBuffer?: string): Peer {
  return {
    name,
    title,
    protocols: name === 'nginx' ? ['imap', 'pop3'] : ['imap'],
    processPerSession: false,
    find: () => (mailModule() === undefined ? undefined : program()),
    versionArgs: ['-v'],
    prepare: (found, site) => {
      const file = join(site.directory, 'nginx.conf')
      writeFileSync(file, nginxConf(site, proxyBuffer))
      return [{ program: found, args: ['-c', file, '-e', join(site.directory, 'mail.log'), '-p', site.directory] }]
    },
  }
}

export const nginx = nginxWith('nginx', 'nginx mail')
/** With a buffer that is not the default: it triples what nginx relays. */
export const nginx64k = nginxWith('nginx_64k', 'nginx mail (proxy_buffer 64k)', '64k')
