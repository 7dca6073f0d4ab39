/** A socket that the server opens. */
export interface ListenerPlan {
  /** The service it belongs to, such as `imap-login`. */
  readonly service: string
  /** The name of the `inet_listener`, such as `imaps`; may be empty. */
  readonly name: string
  /** imap, pop3, submission, sieve, lmtp or doveadm. */
  readonly protocol: string
  /** An IP address; `::` is bound for IPv6 only. */
  readonly address: string
  readonly port: number
  /** TLS from the first byte. */
  readonly ssl: boolean
  /** A PROXY header comes first. */
  readonly haproxy: boolean
  readonly reusePort: boolean
}
