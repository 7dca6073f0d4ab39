/** Limits on strangers. */
export const LOGIN_LIMITS = {
  /** Dovecot: a stranger has three minutes to log in, and after each try three more. */
  loginMs: 180_000,
  /** Hops a login may take before it counts as looping; what a trusted peer says can only make it less. */
  ttl: 5,
  /** `forward_*` fields of one connection: names and values together. */
  forwardBytes: 16 * 1024,
} as const
