import type { TestContext } from 'node:test'
import type { Place } from '../peers/config-text.ts'
import { startPostern } from '../peers/postern.ts'
import { type BackendScript, type ScriptedBackend, startScriptedBackend } from '../peers/scripted-backend.ts'
import type { Started } from '../peers/started.ts'
import { connectRaw } from '../support/raw-client.ts'
import type { Wire } from '../support/wire.ts'

/** A backend that lets everybody in and then echoes what it gets, in upper case. */
export const echo: BackendScript = async (wire) => {
  wire.send('* OK [CAPABILITY IMAP4rev1 SASL-IR ID LITERAL+] ready')
  await wire.expect(/^I ID /)
  await wire.expect(/^L /)
  wire.send('I OK', 'L OK [CAPABILITY IMAP4rev1] in')
  for (;;) wire.send((await wire.line()).toUpperCase())
}

/** A Postern proxy in front of one scripted backend; every user is proxied there with any password. */
export async function startSample(
  t: TestContext,
  options: {
    settings?: string | ((place: Place) => string)
    script?: BackendScript
    workers?: number
    users?: string
    /** Runs before the server starts. */
    before?: (backend: ScriptedBackend) => void
  } = {},
): Promise<{ server: Started; backend: ScriptedBackend; login: (user?: string) => Promise<Wire> }> {
  const backend = await startScriptedBackend(options.script ?? echo)
  t.after(async () => await backend.close())
  options.before?.(backend)
  const server = await startPostern(
    (place) => `protocols = imap
disable_plaintext_auth = no
postern_workers = ${options.workers ?? 1}
service imap-login {
  inet_listener imap {
    port = ${place.port('imap')}
  }
  inet_listener imaps {
    port = 0
  }
}
${options.users ?? `passdb {\n  driver = static\n  args = nopassword=y proxy=y host=127.0.0.1 port=${backend.port}\n}`}
${typeof options.settings === 'function' ? options.settings(place) : (options.settings ?? '')}
`,
  )
  t.after(async () => await server.stop())
  async function login(user = 'joe'): Promise<Wire> {
    const client = await connectRaw({ port: server.ports['imap'] ?? 0 })
    t.after(() => client.destroy())
    await client.expect(/^\* OK /)
    client.send(`a LOGIN ${user} secret`)
    await client.expect(/^a OK /)
    return client
  }
  return { server, backend, login }
}
