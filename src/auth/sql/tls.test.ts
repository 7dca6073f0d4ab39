// TLS to the database: the certificate is checked where the connect string says so.
import assert from 'node:assert/strict'
import { chmodSync, chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type DatabasePeer } from '../../../test/peers/database.ts'
import { skipWithoutMariadb, startMariadb } from '../../../test/peers/mariadb.ts'
import { skipWithoutPostgres, startPostgres } from '../../../test/peers/postgres.ts'
import { type Certificate, makeAuthority, makeCertificate } from '../../../test/support/certificates.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { systemClock } from '../testing/system.ts'
import type { SqlDriver } from './client.ts'
import { mysqlDriver } from './mysql.ts'
import { pgsqlDriver } from './pgsql.ts'

const never = new AbortController().signal

interface Files {
  readonly dir: string
  readonly ca: string
  readonly otherCa: string
  readonly cert: string
  readonly key: string
}

/** An authority, another one, and a server certificate for 127.0.0.1 from the first. */
async function writeCertificates(): Promise<Files> {
  const dir = makeTempDir('sqltls')
  const authority = await makeAuthority('Good CA')
  const other = await makeAuthority('Other CA')
  const server = await makeCertificate(authority, { names: ['127.0.0.1', 'localhost'] })
  const write = (name: string, { cert, key }: Certificate): [string, string] => {
    const paths: [string, string] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)]
    writeFileSync(paths[0], cert)
    writeFileSync(paths[1], key)
    return paths
  }
  const [ca] = write('ca', authority)
  const [otherCa] = write('other', other)
  const [cert, key] = write('server', server)
  return { dir, ca, otherCa, cert, key }
}

/** The cipher the server says it uses, or why it could not be asked. */
async function cipherOf(driver: SqlDriver, connect: string, query: string, column = 0): Promise<string> {
  const log: string[] = []
  const client = driver.open(connect, { clock: systemClock, log: (_, text) => void log.push(text) })
  try {
    const { rows } = await client.query(() => query, 1, never)
    return rows[0]?.[column] ?? ''
  } catch {
    return log.join('\n')
  } finally {
    await client.close()
  }
}

describe('TLS to MariaDB', { skip: skipWithoutMariadb() }, () => {
  let files: Files
  let peer: DatabasePeer
  before(async () => {
    files = await writeCertificates()
    chmodSync(files.key, 0o644)
    peer = await startMariadb([`--ssl-ca=${files.ca}`, `--ssl-cert=${files.cert}`, `--ssl-key=${files.key}`])
    await peer.run("CREATE USER secure@'127.0.0.1' IDENTIFIED BY 'x' REQUIRE SSL")
  })
  after(async () => {
    await peer.stop()
    removeTempDir(files.dir)
  })
  const ask = (options: string): Promise<string> =>
    cipherOf(
      mysqlDriver,
      `host=127.0.0.1 port=${peer.port} dbname=information_schema user=secure password=x ${options}`,
      "SHOW STATUS LIKE 'Ssl_cipher'",
      1,
    )

  test('ssl_ca encrypts and checks', async () => {
    assert.match(await ask(`ssl_ca=${files.ca}`), /TLS_|AES|CHACHA/)
  })
  test('a certificate of somebody else is refused', async () => {
    assert.match(await ask(`ssl_ca=${files.otherCa}`), /certificate|self-signed/)
  })
  test('unless it is not to be checked', async () => {
    assert.match(await ask(`ssl_ca=${files.otherCa} ssl_verify_server_cert=no`), /TLS_|AES|CHACHA/)
  })
  test('without ssl_ca nothing is encrypted', async () => {
    assert.match(await ask(''), /Access denied/)
  })
  test('a file that is not there is a failed connection', async () => {
    assert.match(await ask('ssl_ca=/nowhere/ca.pem'), /Connect failed to database \(information_schema\): ENOENT/)
  })
})

describe('TLS to PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  let files: Files
  let peer: DatabasePeer
  before(async () => {
    files = await writeCertificates()
    const postgres = statSync('/var/lib/postgresql')
    chownSync(files.key, postgres.uid, postgres.gid)
    chmodSync(files.key, 0o600)
    peer = await startPostgres(['ssl=on', `ssl_cert_file=${files.cert}`, `ssl_key_file=${files.key}`])
    await peer.run("CREATE ROLE secure LOGIN PASSWORD 'x'")
  })
  after(async () => {
    await peer.stop()
    removeTempDir(files.dir)
  })
  const ask = (options: string): Promise<string> =>
    cipherOf(
      pgsqlDriver,
      `host=127.0.0.1 port=${peer.port} dbname=postgres user=secure password=x ${options}`,
      "SELECT coalesce(cipher, 'none') FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    )

  const rows: [options: string, expected: RegExp, why: string][] = [
    ['', /TLS_/, 'prefer is the default'],
    ['sslmode=disable', /none/, 'disable does not'],
    ['sslmode=require', /TLS_/, 'require does not check'],
    ['sslmode=verify-full sslrootcert=CA', /TLS_/, 'verify-full checks'],
    ['sslmode=verify-ca sslrootcert=OTHER', /certificate|self-signed/, 'and refuses'],
    ['sslmode=wibble', /invalid sslmode value: "wibble"/, 'nonsense is refused'],
    ['wobble=x', /invalid connection option "wobble"/, 'unknown options too'],
  ]
  for (const [options, expected, why] of rows) {
    test(`${options}: ${why}`, async () => {
      assert.match(await ask(options.replace('CA', files.ca).replace('OTHER', files.otherCa)), expected)
    })
  }
})

test('PostgreSQL without TLS is reached in clear with sslmode=prefer, not with require', {
  skip: skipWithoutPostgres(),
}, async (t) => {
  const peer = await startPostgres()
  t.after(() => peer.stop())
  await peer.run("CREATE ROLE plain LOGIN PASSWORD 'x'")
  const connect = `host=127.0.0.1 port=${peer.port} dbname=postgres user=plain password=x`
  assert.equal(await cipherOf(pgsqlDriver, connect, 'SELECT 1'), '1')
  assert.match(await cipherOf(pgsqlDriver, `${connect} sslmode=require`, 'SELECT 1'), /does not support SSL/)
})
