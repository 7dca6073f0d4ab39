import type { Secret } from '../../util/secret.ts'

/** A way to store passwords: Dovecot's `{SCHEME}`. */
export interface PasswordScheme {
  /** Upper case. */
  readonly name: string
  /** How the data is written when the prefix names no encoding. */
  readonly encoding: 'none' | 'base64' | 'hex'
  /** Length of the decoded data when it is always the same; encodings are then told apart by it. */
  readonly rawBytes?: number
  /** Takes long enough that it runs off the event loop, in a bounded queue. */
  readonly slow: boolean
  /** Throws InvalidHash when the stored data makes no sense, HashUnavailable when it cannot be computed now. */
  verify(stored: SchemeData, password: Secret, user: string): Promise<boolean> | boolean
  /** Makes the data to store, not yet encoded. Throws InvalidHash for options it cannot follow. */
  generate(password: Secret, options: GenerateOptions): Promise<SchemeData> | SchemeData
}

/** What is stored, decoded: a digest, a digest with its salt, or text. */
export type SchemeData = Buffer

export interface GenerateOptions {
  /** `doveadm pw -r`: iterations, cost, passes; each scheme has its own default. */
  readonly rounds?: number
  /** DIGEST-MD5 needs the user name. */
  readonly user?: string
}

/** The stored data makes no sense, or asks for more than HASH_LIMITS; `message` is for the log. */
export class InvalidHash extends Error {
  override readonly name = 'InvalidHash'
}

/** Cannot be computed now or here: the queue is full, or a library is missing. No verdict about the password. */
export class HashUnavailable extends Error {
  override readonly name = 'HashUnavailable'
}
