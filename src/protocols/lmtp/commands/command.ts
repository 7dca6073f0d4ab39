import type { LmtpSession, SessionEnd } from '../session.ts'

type Result = SessionEnd | undefined

export interface Command {
  /** Does not wait until the commands before are answered, and answers through the queue. */
  readonly sideBySide: boolean
  /** Undefined: go on with the next command. */
  readonly run: (session: LmtpSession, args: string) => Result | Promise<Result>
}

/** A command that waits for those before. */
export function command(run: Command['run']): Command {
  return { sideBySide: false, run }
}
