import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { launch, type Started } from '../peers/started.ts'
import { ServerProcess } from '../support/server-process.ts'

const CODE = '/usr/share/roundcube'
const ROOT = '/var/lib/roundcube'

/** Starts Debian's Roundcube with PHP's own web server, a database of its own, and this IMAP server. Its port is `http`. */
export function startRoundcube(imapPort: number, plugins: readonly string[] = []): Promise<Started> {
  return launch({
    name: 'roundcube',
    config: ({ dir, port }) => {
      const config = join(dir, 'config')
      for (const name of ['config', 'temp', 'logs']) mkdirSync(join(dir, name))
      copyFileSync(`/etc/roundcube/defaults.inc.php`, join(config, 'defaults.inc.php'))
      const database = new DatabaseSync(join(dir, 'roundcube.sqlite'))
      database.exec(readFileSync(`${CODE}/SQL/sqlite.initial.sql`, 'utf8'))
      database.close()
      writeFileSync(
        join(config, 'config.inc.php'),
        `<?php
$config = [];
$config['db_dsnw'] = 'sqlite:///${dir}/roundcube.sqlite?mode=0640';
$config['imap_host'] = '127.0.0.1:${imapPort}';
$config['temp_dir'] = '${dir}/temp/';
$config['log_dir'] = '${dir}/logs/';
$config['log_driver'] = 'stdout';
$config['des_key'] = 'twenty-four-characters-!';
$config['plugins'] = [${plugins.map((plugin) => `'${plugin}'`).join(', ')}];
$config['skin'] = 'elastic';
$config['language'] = 'en_US';
$config['enable_spellcheck'] = false;
`,
      )
      return String(port('http'))
    },
    start: (port, dir) =>
      new ServerProcess({
        command: '/usr/bin/php',
        args: ['-S', `127.0.0.1:${port}`, '-t', ROOT],
        env: { PATH: process.env['PATH'], ROUNDCUBE_CONFIG_DIR: join(dir, 'config'), PHP_CLI_SERVER_WORKERS: '3' },
        cwd: dir,
      }),
    ready: (server) => server.waitForLine(/Development Server .* started/),
  })
}
