import { once } from 'node:events'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'
import { freePorts } from '../support/free-ports.ts'

/** An OpenID provider in this process, on loopback. Clients are named after the users that their tokens are for. */
export interface OpenidPeer {
  readonly issuer: string
  readonly configurationUrl: string
  /** With the credentials of the client `postern`. */
  readonly introspectionUrl: string
  /** A token for `user`: opaque, or a JWT for the audience `postern`. */
  token(user: string, form: 'opaque' | 'jwt'): Promise<string>
  stop(): Promise<void>
}

const SECRET = 'a client secret of some length'

export async function startOpenid(users: readonly string[]): Promise<OpenidPeer> {
  const [port = 0] = await freePorts(1)
  const issuer = `http://127.0.0.1:${port}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const client = (name: string): { client_id: string } & Record<string, unknown> => ({
    client_id: name,
    client_secret: SECRET,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'k1', use: 'sig', alg: 'RS256' }] },
    clients: ['postern', ...users].map(client),
    scopes: ['mail'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: 'mail',
          audience: 'postern',
          accessTokenTTL: 3600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  })
  const server = provider.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    issuer,
    configurationUrl: `${issuer}/.well-known/openid-configuration`,
    introspectionUrl: `http://postern:${encodeURIComponent(SECRET)}@127.0.0.1:${port}/token/introspection`,
    async token(user, form) {
      const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'mail' })
      if (form === 'jwt') body.set('resource', 'urn:postern')
      const basic = Buffer.from(`${encodeURIComponent(user)}:${encodeURIComponent(SECRET)}`).toString('base64')
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        body,
        headers: { authorization: `Basic ${basic}` },
      })
      const answer: unknown = await response.json()
      if (typeof answer === 'object' && answer !== null && 'access_token' in answer) return String(answer.access_token)
      throw new Error(`no token: ${JSON.stringify(answer)}`)
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
