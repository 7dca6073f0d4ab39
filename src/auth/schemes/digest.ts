import { createHash, randomBytes } from 'node:crypto'
import { hmacMd5States } from '../../sasl/cram-md5-states.ts'
import { md4 } from '../../util/md4.ts'
import type { Secret } from '../../util/secret.ts'
import { sameBytes } from './same-bytes.ts'
import { InvalidHash, type PasswordScheme } from './scheme.ts'

type Digest = (data: Buffer) => Buffer

const md5 = openssl('md5')
const sha1 = openssl('sha1')

/** Digests without a salt: the data is always the same for a password, and is compared with a fresh one. */
export const plainDigests: readonly PasswordScheme[] = [
  unsalted('SHA', 'base64', 20, sha1),
  unsalted('SHA1', 'base64', 20, sha1),
  unsalted('SHA256', 'base64', 32, openssl('sha256')),
  unsalted('SHA512', 'base64', 64, openssl('sha512')),
  unsalted('PLAIN-MD4', 'hex', 16, md4),
  unsalted('PLAIN-MD5', 'hex', 16, md5),
  unsalted('LDAP-MD5', 'base64', 16, md5),
  unsalted('CRAM-MD5', 'hex', 32, hmacMd5States),
  unsalted('HMAC-MD5', 'hex', 32, hmacMd5States),
  {
    name: 'DIGEST-MD5',
    encoding: 'hex',
    rawBytes: 16,
    slow: false,
    verify: (stored, password, user) => sameBytes(stored, digestMd5(password, user)),
    generate(password, { user }) {
      if (user === undefined) throw new InvalidHash('digest_md5_generate(): username not given')
      return digestMd5(password, user)
    },
  },
]

/** Digest of password and salt, followed by the salt (the LDAP servers' SSHA). */
export const saltedDigests: readonly PasswordScheme[] = [
  salted('SMD5', 16, md5),
  salted('SSHA', 20, sha1),
  salted('SSHA256', 32, openssl('sha256')),
  salted('SSHA512', 64, openssl('sha512')),
]

/** Salts may have any length; new ones have Dovecot's. */
const NEW_SALT_BYTES = 4

function unsalted(name: string, encoding: 'base64' | 'hex', rawBytes: number, digest: Digest): PasswordScheme {
  return {
    name,
    encoding,
    rawBytes,
    slow: false,
    verify: (stored, password) => sameBytes(stored, digest(password.reveal())),
    generate: (password) => digest(password.reveal()),
  }
}

function salted(name: string, digestBytes: number, digest: Digest): PasswordScheme {
  const withSalt = (password: Secret, salt: Buffer) => digest(Buffer.concat([password.reveal(), salt]))
  return {
    name,
    encoding: 'base64',
    slow: false,
    verify(stored, password) {
      if (stored.length <= digestBytes) throw new InvalidHash(`${name} password is too short`)
      return sameBytes(stored.subarray(0, digestBytes), withSalt(password, stored.subarray(digestBytes)))
    },
    generate(password) {
      const salt = randomBytes(NEW_SALT_BYTES)
      return Buffer.concat([withSalt(password, salt), salt])
    },
  }
}

/** RFC 2831 §2.1.2.1: H(user:realm:password). The realm is what follows the last `@` of the user name. */
function digestMd5(password: Secret, user: string): Buffer {
  const at = user.lastIndexOf('@')
  const [name, realm] = at < 0 ? [user, ''] : [user.slice(0, at), user.slice(at + 1)]
  return createHash('md5').update(`${name}:${realm}:`).update(password.reveal()).digest()
}

function openssl(name: string): Digest {
  return (data) => createHash(name).update(data).digest()
}
