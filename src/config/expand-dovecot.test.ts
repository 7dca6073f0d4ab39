import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { imapListeners, startDovecot } from '../../test/peers/dovecot.ts'
import { skipWithout } from '../../test/peers/peers.ts'
import { expansionFailures, expansions } from '../../test/vectors/variables.ts'

const run = promisify(execFile)

const USER = "Joe.Q'Oe@Example.COM"

/** Only what `doveadm auth lookup` can ask, and what a passwd-file line can hold. */
const needsMore = /%[a-z!]*[lrab!]|_ip|_port|lport|original|forward_x|passdb:empty|ldap:|\s|%%u$|encrypt/
const asked = expansions.filter(([template]) => !needsMore.test(template.replace(/%[0-9.\-LUEXRHNMDT]*[un]/g, '')))
const refused = expansionFailures.filter(([template]) => !needsMore.test(template))

test('Dovecot expands the same templates the same way', { skip: skipWithout('dovecot') }, async (t) => {
  const templates = [...asked, ...refused].map(([template]) => template)
  const dovecot = await startDovecot(({ dir, port }) => {
    // The service chooses the line, and the line holds the template as an extra field.
    const lines = templates.map((template, index) => `t${index}:{PLAIN}x::::::x=${template}\n`)
    const file = join(dir, 'templates')
    writeFileSync(file, lines.join(''))
    chmodSync(file, 0o644)
    return `protocols = imap\nauth_username_chars =\nauth_username_format =\n${imapListeners(port)}\npassdb {\n  driver = passwd-file\n  args = username_format=%s ${file}\n}\nuserdb {\n  driver = static\n  args = uid=1 gid=1\n}\n`
  })
  t.after(() => dovecot.stop())
  const lookup = async (index: number): Promise<string> => {
    const args = ['-c', join(dovecot.dir, 'dovecot.conf'), 'auth', 'lookup', '-x', `service=t${index}`, USER]
    // Its log is /dev/stderr, which it could not open if that were our socket.
    const command = ['-c', 'exec doveadm "$@" 2>/dev/null', 'sh', ...args]
    const { stdout } = await run('/bin/sh', command).catch(() => ({ stdout: '' }))
    return stdout === '' ? 'failed' : (/^ {2}x {9}: (.*)$/m.exec(stdout)?.[1] ?? '')
  }
  for (const [index, [template, expected]] of asked.entries()) {
    assert.equal(await lookup(index), expected, template)
  }
  for (const [index, [template, message]] of refused.entries()) {
    assert.equal(await lookup(asked.length + index), 'failed', template)
    await dovecot.waitForLog((line) => line.endsWith(`Failed to expand extra field x=${template}: ${message}`))
  }
})
