import { SASL_LIMITS } from './limits.ts'
import { type SaslAuth, SaslError, type SaslIdentity, type SaslServerIo } from './mechanism.ts'

const nothing = Buffer.alloc(0)

/** A client's messages, one after the other. Throws SaslError for what is too long. */
export class ServerDialogue {
  /** Who the client says it is, as soon as it is known: for the log when a later message makes no sense. */
  identity: SaslIdentity = { authcid: '' }
  readonly #io: SaslServerIo

  constructor(io: SaslServerIo) {
    this.#io = io
  }

  /** The initial response, or what the client answers to an empty challenge. */
  async first(): Promise<Buffer> {
    return this.#io.initial === undefined ? await this.ask(nothing) : limited(this.#io.initial)
  }

  async ask(challenge: Buffer | string): Promise<Buffer> {
    return limited(await this.#io.challenge(Buffer.from(challenge)))
  }
}

/** Runs a server half; a SaslError that it throws becomes a refusal. */
export async function serve<Verdict>(
  io: SaslServerIo,
  auth: SaslAuth<Verdict>,
  half: (dialogue: ServerDialogue) => Promise<Verdict>,
): Promise<Verdict> {
  const dialogue = new ServerDialogue(io)
  try {
    return await half(dialogue)
  } catch (error) {
    if (!(error instanceof SaslError)) throw error
    return await auth.reject(dialogue.identity, 'malformed', error.message)
  }
}

function limited(message: Buffer): Buffer {
  if (message.length <= SASL_LIMITS.responseBytes) return message
  throw new SaslError('Authentication response too large')
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A name from the wire. Throws SaslError for what is no UTF-8, and for NULs, which databases would cut at. */
export function readName(bytes: Buffer): string {
  let name: string
  try {
    name = utf8.decode(bytes)
  } catch {
    throw new SaslError('Username is not valid UTF-8')
  }
  if (name.includes('\0')) throw new SaslError('NULs in username')
  return name
}

/** authzid counts only when it asks to be somebody else. */
export function identityOf(authcid: string, authzid: string): SaslIdentity {
  return authzid === '' || authzid === authcid ? { authcid } : { authcid, authzid }
}
