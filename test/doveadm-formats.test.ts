import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { skipWithout } from './peers/peers.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'
import { recordedListings } from './vectors/listings.ts'

/** A login process as doveadm sees it, with these proxied sessions. */
async function sayRows(t: TestContext, path: string, rows: readonly (readonly string[])[]): Promise<void> {
  const lines = rows.map((row) => `:${row.map(escapeTabs).join('\t')}\n`)
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.write(`${lines.join('')}+\n`))
  })
  server.listen(path)
  t.after(() => server.close())
  await once(server, 'listening')
}

function escapeTabs(text: string): string {
  const escapes = new Map([
    ['\u0001', '\u00011'],
    ['\t', '\u0001t'],
    ['\n', '\u0001n'],
    ['\r', '\u0001r'],
  ])
  return text.replace(/[\u0001\t\n\r]/g, (char) => escapes.get(char) ?? char)
}

describe('the recorded listings are what doveadm prints', { skip: skipWithout('dovecot') }, () => {
  // Other widths would need a terminal.
  for (const { why, keys, rows, printed } of recordedListings.filter(({ width }) => width === 80)) {
    test(why, async (t) => {
      const dir = makeTempDir('doveadm')
      t.after(() => removeTempDir(dir))
      const config = join(dir, 'dovecot.conf')
      writeFileSync(config, 'log_path = /dev/stderr\nprotocols =\n')
      const socket = join(dir, 'ipc')
      await sayRows(t, socket, [keys, ...rows])
      for (const [format, expected] of Object.entries(printed)) {
        const args = ['-c', config, '-f', format, 'proxy', 'list', '-a', socket]
        const { stdout } = await promisify(execFile)('/usr/bin/doveadm', args)
        assert.equal(stdout, expected, format)
      }
    })
  }
})
