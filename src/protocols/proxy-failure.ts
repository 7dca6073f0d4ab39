import type { BackendReply } from './protocol.ts'

/** Classes of proxy failures: they decide the log prefix, whether to retry, and what the client sees. */
export type ProxyFailureClass =
  | 'connect'
  | 'internal'
  | 'internal-config'
  | 'remote'
  | 'remote-config'
  | 'protocol'
  | 'auth-temp'
  | 'auth'

/** A backend login that did not work. `message` is the operator's line, without prefix. */
export class ProxyFailure extends Error {
  override readonly name = 'ProxyFailure'
  readonly class: ProxyFailureClass
  /** The backend's own reply, for auth and auth-temp. */
  readonly reply: BackendReply | undefined

  constructor(failureClass: ProxyFailureClass, message: string, options?: { reply?: BackendReply; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.class = failureClass
    this.reply = options?.reply
  }
}
