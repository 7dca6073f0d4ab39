import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { ProxyHeader } from '../src/net/haproxy-header.ts'
import { openListener } from '../src/net/listener.ts'
import { startHaproxy } from './peers/haproxy.ts'
import { skipWithout } from './peers/peers.ts'
import { makeAuthority, makeCertificate } from './support/certificates.ts'
import { PATIENCE_MS, within } from './support/deadline.ts'
import { makeTempDir, removeTempDir } from './support/temp-dir.ts'

test('headers as HAProxy writes them are understood [row 37]', { skip: skipWithout('haproxy') }, async (t) => {
  const dir = makeTempDir('haproxy-header')
  t.after(() => removeTempDir(dir))
  const authority = await makeAuthority()
  const server = await makeCertificate(authority)
  const joe = await makeCertificate(authority, { commonName: 'joe' })
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
  const bind = `ssl crt ${file('pem', `${server.cert}\n${server.key}`)} ca-file ${file('ca', authority.cert)} verify optional alpn imap`
  const secure = { ...joe, servername: 'imap.example.org', ALPNProtocols: ['imap'], rejectUnauthorized: false }
  const rows: { why: string; words: string; bind?: string; header: (header: ProxyHeader) => void }[] = [
    {
      why: 'version 1',
      words: 'send-proxy',
      header: (header) => assert.deepEqual(Object.keys(header), ['source', 'destination']),
    },
    {
      why: 'version 2',
      words: 'send-proxy-v2',
      header: (header) => assert.deepEqual(Object.keys(header), ['source', 'destination']),
    },
    {
      why: 'version 2 with everything',
      words: 'send-proxy-v2-ssl-cn proxy-v2-options crc32c,ssl-cipher,authority,unique-id',
      bind,
      header: (header) => {
        assert.deepEqual([header.alpn, header.authority], ['imap', 'imap.example.org'])
        assert.equal(header.tls?.commonName, 'joe')
        assert.equal(header.tls?.protocol, 'TLSv1.3')
        assert.match(header.tls?.cipher ?? '', /^TLS_/)
        assert.equal(header.tls?.certificateVerified, true)
      },
    },
  ]
  for (const row of rows) {
    // The peer is asked whether it listens by connecting, so headers of others come as well.
    const arrived = new EventEmitter()
    const listener = await openListener({
      address: '127.0.0.1',
      port: 0,
      haproxy: { trusts: () => true, timeoutMs: PATIENCE_MS },
      onConnection: (stream, header) => {
        stream.write('* OK\r\n')
        arrived.emit(String(header?.source?.port), header)
      },
      onRefused: (text) => assert.match(text, /Failed to read full header/),
    })
    const peer = await startHaproxy({ target: `127.0.0.1:${listener.port}`, server: row.words, bind: row.bind ?? '' })
    const address = { port: peer.ports.front as number, host: '127.0.0.1' }
    const client = row.bind === undefined ? connectPlain(address) : connectTls({ ...address, ...secure })
    try {
      await once(client, 'connect')
      const coming = once(arrived, String(client.localPort)) as Promise<[ProxyHeader]>
      const [header] = await within(PATIENCE_MS, () => `no header: ${row.why}`, coming)
      assert.deepEqual(header.source, { ip: '127.0.0.1', port: client.localPort }, row.why)
      assert.deepEqual(header.destination, { ip: '127.0.0.1', port: address.port }, row.why)
      row.header(header)
      const [greeting] = (await once(client, 'data')) as [Buffer]
      assert.equal(greeting.toString(), '* OK\r\n')
    } finally {
      client.destroy()
      listener.destroy()
      await peer.stop()
    }
  }
})
