import { Secret } from '../util/secret.ts'
import { type SaslClient, type SaslClientCredentials, type SaslMechanism, SaslError } from './mechanism.ts'
import { readName, serve } from './server-dialogue.ts'

/** LOGIN: name and password, each on a prompt. Never standardized; the prompts are everybody's. */
export const login: SaslMechanism = {
  name: 'LOGIN',
  plaintext: true,
  needs: 'verify',
  listed: true,
  authenticate: (io, auth) =>
    serve(io, auth, async (dialogue) => {
      // An initial response is the name; an empty one asks for the prompt.
      const hasName = io.initial !== undefined && io.initial.length > 0
      const name = hasName ? await dialogue.first() : await dialogue.ask('Username:')
      dialogue.identity = { authcid: readName(name) }
      const refusal = auth.refuseName(dialogue.identity)
      if (refusal !== undefined) return refusal
      const password = await dialogue.ask('Password:')
      if (password.includes(0)) throw new SaslError('NULs in password')
      return await auth.verifyPlain(dialogue.identity, new Secret(password))
    }),
  client: (credentials) => new LoginClient(credentials),
}

class LoginClient implements SaslClient {
  readonly failureDetail = undefined
  readonly skipsInitial = true
  readonly #answers: Buffer[]

  constructor({ authcid, secret }: SaslClientCredentials) {
    this.#answers = [Buffer.from(authcid), secret.reveal()]
  }

  initial(): Buffer {
    return Buffer.alloc(0)
  }

  /** Servers word their prompts differently; the order is always the same. */
  respond(): Buffer {
    const answer = this.#answers.shift()
    if (answer === undefined) throw new SaslError("Server didn't finish authentication")
    return answer
  }

  finish(): void {}
}
