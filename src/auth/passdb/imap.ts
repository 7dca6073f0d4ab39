import { ExpandError } from '../../config/expand.ts'
import { faultText } from '../../net/fault-text.ts'
import { greetImap, logInToImap } from '../imap/log-in.ts'
import { type ImapServer, parseImapArgs } from '../imap/settings.ts'
import type { Passdb, PassdbDriver, VerifyReply } from './passdb.ts'

/** `imap`: a password is right when another IMAP server takes it. */
export const imapPassdb = {
  name: 'imap',
  open(args, needs): Passdb {
    const server = parseImapArgs(args, needs)
    return {
      defaultScheme: 'PLAIN',
      cacheKey: server.cacheKey,
      async verify(request, password, signal): Promise<VerifyReply> {
        try {
          const host = server.host.expand(request.lookup)
          const user = server.username.expand(request.lookup)
          const verdict = await logInToImap({ ...server, host }, user, password, signal)
          return verdict === 'ok' ? { kind: 'found', fields: [] } : { kind: verdict }
        } catch (error) {
          const place = error instanceof ExpandError ? 'args' : `imap server, port ${server.port}`
          return {
            kind: 'internal-failure',
            log: `${place}: ${error instanceof Error ? reasonOf(error) : String(error)}`,
          }
        }
      },
      check: async (signal) => await checkImap(server, signal),
      close: () => Promise.resolve(),
    }
  },
} as const satisfies PassdbDriver

/** A host with %variables is another one for each login. */
async function checkImap(server: ImapServer, signal: AbortSignal): Promise<string | undefined> {
  if (!server.host.isConstant) return undefined
  try {
    await greetImap({ ...server, host: server.host.expand(() => '') }, signal)
    return undefined
  } catch (error) {
    return `imap server, port ${server.port}: ${error instanceof Error ? reasonOf(error) : String(error)}`
  }
}

/** The cause says more than that a connection was lost. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? faultText(error.cause) : faultText(error)
}
