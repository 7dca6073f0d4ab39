export const SASL_LIMITS = {
  /** A client's message; Dovecot's limit. */
  responseBytes: 8192,
  /** A backend may not make us compute more: 100 000 rounds take about 15 ms. */
  clientIterations: 100_000,
  /** RFC 4505 §2. */
  traceChars: 255,
} as const
