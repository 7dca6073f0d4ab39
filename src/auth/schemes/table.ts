import { argon2Schemes } from './argon2.ts'
import { cryptSchemes } from './crypt.ts'
import { plainDigests, saltedDigests } from './digest.ts'
import { otpScheme } from './otp.ts'
import { pbkdf2Scheme } from './pbkdf2.ts'
import { plainSchemes, plainTrunc } from './plain.ts'
import type { PasswordScheme } from './scheme.ts'
import { scramSchemes } from './scram.ts'

const byName: ReadonlyMap<string, PasswordScheme> = new Map(
  [
    ...plainSchemes,
    plainTrunc,
    ...plainDigests,
    ...saltedDigests,
    ...cryptSchemes,
    ...argon2Schemes,
    ...scramSchemes,
    pbkdf2Scheme,
    otpScheme,
  ].map((scheme) => [scheme.name, scheme]),
)

/** Every scheme, in the order in which `doveadm pw -l` lists them. */
export const passwordSchemes: readonly string[] = [
  'SHA1',
  'SSHA512',
  'SCRAM-SHA-256',
  'BLF-CRYPT',
  'PLAIN',
  'HMAC-MD5',
  'OTP',
  'SHA512',
  'SHA',
  'DES-CRYPT',
  'CRYPT',
  'SSHA',
  'MD5-CRYPT',
  'PLAIN-MD4',
  'PLAIN-MD5',
  'SCRAM-SHA-1',
  'SHA512-CRYPT',
  'CLEAR',
  'CLEARTEXT',
  'ARGON2I',
  'ARGON2ID',
  'SSHA256',
  'MD5',
  'PBKDF2',
  'SHA256',
  'CRAM-MD5',
  'PLAIN-TRUNC',
  'SHA256-CRYPT',
  'SMD5',
  'DIGEST-MD5',
  'LDAP-MD5',
]

/** A scheme by name, in any case, without an encoding suffix. */
export function findScheme(name: string): PasswordScheme | undefined {
  return byName.get(name.toUpperCase())
}
