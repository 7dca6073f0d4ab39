// What `doctor` hears of databases that check passwords themselves: whether they can be reached at all.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, globSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { openTestAuth } from '../testing/open-auth.ts'
import { systemAuthNeeds } from '../testing/system.ts'
import { silent } from '../../observe/events.ts'
import { PATIENCE_MS } from '../../../test/support/deadline.ts'

/** What is wrong with the first passdb, or undefined. */
async function problemOf(
  t: TestContext,
  driver: string,
  args: string,
  files: Record<string, string> = {},
): Promise<string | undefined> {
  const { auth } = await openTestAuth({
    conf: `passdb {\n  driver = ${driver}\n  args = ${args}\n}`,
    files,
    disk: systemAuthNeeds(silent).files,
  })
  t.after(() => auth.close())
  const [found] = await auth.check(AbortSignal.timeout(PATIENCE_MS))
  assert.ok(found)
  return found.problem
}

async function portOf(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('checkpassword: the program must be there, and be one', async (t) => {
  const dir = makeTempDir('check')
  t.after(() => removeTempDir(dir))
  const program = join(dir, 'check')
  assert.match((await problemOf(t, 'checkpassword', program)) ?? '', /checkpassword: ENOENT/)
  writeFileSync(program, '#!/bin/sh\n')
  chmodSync(program, 0o644)
  assert.match((await problemOf(t, 'checkpassword', program)) ?? '', /checkpassword: EACCES/)
  chmodSync(program, 0o755)
  assert.equal(await problemOf(t, 'checkpassword', program), undefined)
  assert.equal(await problemOf(t, 'checkpassword', 'somewhere-in-path'), undefined)
})

const noPam = globSync('/lib/*/libpam.so.0').length > 0 ? false : 'Linux-PAM is not installed'

test('pam: the library must load, and the service have a file', { skip: noPam }, async (t) => {
  const dir = makeTempDir('pam')
  t.after(() => removeTempDir(dir))
  writeFileSync(join(dir, 'mail'), 'auth required pam_permit.so\n')
  assert.equal(await problemOf(t, 'pam', `confdir=${dir} mail`), undefined)
  assert.equal(await problemOf(t, 'pam', `confdir=${dir} *`), undefined, 'logins choose the service')
  assert.match((await problemOf(t, 'pam', `confdir=${dir} other`)) ?? '', /pam: ENOENT.*other/)
})

test('imap: the server must greet, and know IMAP', async (t) => {
  const speak = (script: readonly string[]): Server =>
    createServer((socket) => {
      socket.on('error', () => undefined)
      const lines = [...script]
      socket.write(lines.shift() ?? '')
      socket.on('data', () => socket.write(lines.shift() ?? ''))
    })
  const good = await portOf(t, speak(['* OK hi\r\n', '* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\np1 OK\r\n']))
  assert.equal(await problemOf(t, 'imap', `host=127.0.0.1 port=${good}`), undefined)
  assert.equal(await problemOf(t, 'imap', `host=%d port=${good}`), undefined, 'logins choose the host')
  const smtp = await portOf(t, speak(['220 hi\r\n']))
  assert.match((await problemOf(t, 'imap', `host=127.0.0.1 port=${smtp}`)) ?? '', /Unexpected greeting: 220 hi/)
  const dead = await deadPort()
  assert.match((await problemOf(t, 'imap', `host=127.0.0.1 port=${dead}`)) ?? '', /imap server, port \d+: .*refused/i)
})

test('oauth2: every server of the ext file must answer', async (t) => {
  const status = async (code: number): Promise<string> => {
    const server = createHttp((_, response) => response.writeHead(code).end())
    return `http://127.0.0.1:${await portOf(t, server)}/x`
  }
  const [fine, broken, dead] = [await status(401), await status(503), `http://127.0.0.1:${await deadPort()}/y`]
  const check = async (ext: string): Promise<string | undefined> =>
    await problemOf(t, 'oauth2', '/oauth2.ext', { '/oauth2.ext': ext })
  assert.equal(await check(`tokeninfo_url = ${fine}?token=\n`), undefined, 'without a token it has to refuse')
  assert.match(
    (await check(`introspection_url = ${broken}\n`)) ?? '',
    /oauth2: 127\.0\.0\.1:\d+ answers with status 503/,
  )
  assert.match(
    (await check(`tokeninfo_url = ${fine}?token=\nintrospection_url = ${dead}\n`)) ?? '',
    /oauth2: .*refused/i,
  )
})
