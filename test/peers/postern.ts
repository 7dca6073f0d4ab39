import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BARE_ARGS } from '../support/bare-mode.ts'
import { ServerProcess } from '../support/server-process.ts'
import type { ConfigText } from './config-text.ts'
import { launch, type Started } from './started.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** For node:test's `skip`: false when this checkout has the command line, else the reason. */
export function skipWithoutPostern(): false | string {
  const cli = join(ROOT, 'src', 'main', 'cli.ts')
  return existsSync(cli) ? false : 'postern serve is not written yet (src/main/cli.ts is missing)'
}

/**
 * Starts `postern serve` from this checkout (or another place), in its own directory, logging to us; the rest is the caller's
 * configuration.
 */
export function startPostern(config: ConfigText, args: readonly string[] = [], root = ROOT): Promise<Started> {
  return launch({
    name: 'postern',
    config: (place) => `${preamble(place.dir)}\n${config(place)}\n`,
    start(text, dir) {
      const file = join(dir, 'dovecot.conf')
      writeFileSync(file, text)
      return new ServerProcess({
        command: process.execPath,
        args: [join(root, 'bin', 'postern.js'), 'serve', '-c', file, ...BARE_ARGS, ...args],
      })
    },
    ready: (server) => server.waitForLine(/^postern ready: /),
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
`
}
