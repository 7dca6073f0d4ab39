/**
 * What one stored hash may cost. Costs come from the database, so an entry beyond these limits is refused with a line in
 * the log rather than computed.
 */
export const HASH_LIMITS = {
  /** Slow hashes computed at once. Node's thread pool has four threads; name lookups and files need one. */
  running: 3,
  /** Logins that wait for a slow hash; more are told to come back later. */
  waiting: 256,
  /** Longest wait for a thread. */
  waitMs: 10_000,
  /** Memory of all running hashes together, unless one alone needs it: Argon2 of `doveadm pw -r 4` takes 1 GiB. */
  memoryKiB: 1_048_576,
  /** Argon2: memory times passes, about 5 seconds of work. */
  argon2KiBPasses: 8_388_608,
  argon2Parallelism: 16,
  /** 2^16 rounds take about 4 seconds. */
  bcryptCost: 16,
  /** SHA-256/512 crypt: about 2 seconds of libcrypt. */
  shaCryptRounds: 5_000_000,
  /** PBKDF2 and SCRAM: about 2 seconds. */
  pbkdf2Rounds: 10_000_000,
  /** libcrypt takes no longer passphrases, and SHA crypt costs grow with the square of the length. */
  cryptPassphraseBytes: 512,
  /** A stored hash; the longest real one, SHA512-CRYPT.hex, has under 300. */
  storedBytes: 4096,
} as const
