import { type SaslClient, SaslError } from './mechanism.ts'

/** The client half of a mechanism that says everything at once and expects no challenge. */
export function oneMessageClient(message: Buffer): SaslClient {
  return {
    initial: () => message,
    respond() {
      throw new SaslError("Server didn't finish authentication")
    },
    finish: () => undefined,
    failureDetail: undefined,
  }
}
