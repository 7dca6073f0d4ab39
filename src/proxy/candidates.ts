/** A backend that a session could go to. */
export interface Candidate {
  /** The `host` field: TLS name, logs, kick by host. */
  readonly host: string
  readonly ip: string
  readonly port: number
}

/**
 * From candidates to the one destination of this login. Today a user has one host, and of its addresses the first counts, as
 * the resolver orders them. Several hosts a user, affinity and health belong here and nowhere else.
 */
export function chooseDestination(candidates: readonly Candidate[]): Candidate | undefined {
  return candidates[0]
}
