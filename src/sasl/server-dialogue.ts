import type { Soon } from '../util/soon.ts'
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
  first(): Soon<Buffer> {
    return this.#io.initial === undefined ? this.ask(nothing) : limited(this.#io.initial)
  }

  async ask(challenge: Buffer | string): Promise<Buffer> {
    return limited(await this.#io.challenge(Buffer.from(challenge)))
  }
}

/** Runs a server half; a SaslError that it throws becomes a refusal. Other faults are thrown, or reject. */
export function serve<Verdict>(
  io: SaslServerIo,
  auth: SaslAuth<Verdict>,
  half: (dialogue: ServerDialogue) => Soon<Verdict>,
): Soon<Verdict> {
  const dialogue = new ServerDialogue(io)
  const refuse = (error: unknown): Promise<Verdict> => {
    if (!(error instanceof SaslError)) throw error
    return auth.reject(dialogue.identity, 'malformed', error.message)
  }
  try {
    const verdict = half(dialogue)
    return verdict instanceof Promise ? verdict.catch(refuse) : verdict
  } catch (error) {
    return refuse(error)
  }
}

function limited(message: Buffer): Buffer {
  if (message.length <= SASL_LIMITS.responseBytes) return message
  throw new SaslError('Authentication response too large')
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A name from the wire. Throws SaslError for what is no UTF-8, and for NULs, which databases would cut at. */
export function readName(bytes: Buffer): string {
  if (bytes.length === 0) return ''
  const latin1 = bytes.toString('latin1')
  if (ORDINARY.test(latin1)) return latin1
  let name: string
  try {
    name = utf8.decode(bytes)
  } catch {
    throw new SaslError('Username is not valid UTF-8')
  }
  if (name.includes('\0')) throw new SaslError('NULs in username')
  return name
}

/** The same in every encoding, and without NUL: nearly every name. */
const ORDINARY = /^[\x01-\x7f]*$/

/** authzid counts only when it asks to be somebody else. */
export function identityOf(authcid: string, authzid: string): SaslIdentity {
  return authzid === '' || authzid === authcid ? { authcid } : { authcid, authzid }
}
