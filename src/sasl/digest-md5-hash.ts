import { createHash } from 'node:crypto'

/** What both sides hash. RFC 2831 §2.1.2.1. */
export interface DigestInputs {
  readonly nonce: string
  readonly cnonce: string
  readonly nonceCount: string
  readonly qop: string
  readonly uri: string
  readonly authzid: string | undefined
}

/** H(username:realm:password), which is also what the scheme DIGEST-MD5 stores. */
export function userHash(username: string, realm: string, password: Buffer): Buffer {
  return createHash('md5').update(`${username}:${realm}:`, 'latin1').update(password).digest()
}

/** The response value in hex; with an empty method, the server's rspauth. */
export function proof(secret: Buffer, inputs: DigestInputs, method: 'AUTHENTICATE' | ''): string {
  const { nonce, cnonce, nonceCount, qop, uri, authzid } = inputs
  const authzidPart = authzid === undefined ? '' : `:${authzid}`
  const a1 = createHash('md5').update(secret).update(`:${nonce}:${cnonce}${authzidPart}`, 'latin1').digest('hex')
  const a2 = md5Hex(`${method}:${uri}`)
  return md5Hex(`${a1}:${nonce}:${nonceCount}:${cnonce}:${qop}:${a2}`)
}

function md5Hex(text: string): string {
  return createHash('md5').update(text, 'latin1').digest('hex')
}
