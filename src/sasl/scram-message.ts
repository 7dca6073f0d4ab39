import { SaslError } from './mechanism.ts'

/** The messages of SCRAM. RFC 5802 §7. Byte strings: a character a byte. */
export interface ClientFirst {
  /** `n,a=user,` or the like: sent back in base64 with the client's last message. */
  readonly gs2Header: string
  /** `n`: the client cannot bind; `y`: it can, and thinks we cannot; otherwise a channel binding type. */
  readonly binding: 'n' | 'y' | { readonly type: string }
  readonly authzid: string
  readonly username: string
  readonly nonce: string
  /** Without the gs2 header. */
  readonly bare: string
}

export interface ClientFinal {
  readonly channelBinding: Buffer
  readonly nonce: string
  readonly proof: Buffer
  readonly withoutProof: string
}

export interface ServerFirst {
  readonly nonce: string
  readonly salt: Buffer
  readonly iterations: number
}

/** gs2-header client-first-message-bare. Error texts are those of Dovecot. */
export function parseClientFirst(message: Buffer): ClientFirst {
  const text = message.toString('latin1')
  const [flag = '', authzidField, username, nonce] = text.split(',')
  if (authzidField === undefined || username === undefined || nonce === undefined) {
    throw new SaslError('Invalid initial client message')
  }
  const binding = parseFlag(flag)
  const authzid = parseAuthzid(authzidField)
  if (username.startsWith('m')) throw new SaslError('Mandatory extension(s) not supported')
  if (!username.startsWith('n=')) throw new SaslError('Invalid username field')
  if (!/^r=[!-+\--~]+$/.test(nonce)) throw new SaslError('Invalid client nonce')
  const gs2Header = `${flag},${authzidField},`
  return {
    gs2Header,
    binding,
    authzid,
    username: unescapeName(username.slice(2), 'Username escaping is invalid'),
    nonce: nonce.slice(2),
    bare: text.slice(gs2Header.length),
  }
}

function parseFlag(flag: string): ClientFirst['binding'] {
  if (flag === 'n' || flag === 'y') return flag
  const type = /^p=([A-Za-z0-9.-]+)$/.exec(flag)?.[1]
  if (type === undefined) throw new SaslError('Invalid GS2 header')
  return { type }
}

function parseAuthzid(field: string): string {
  if (field === '') return ''
  if (!field.startsWith('a=')) throw new SaslError('Invalid authzid field')
  return unescapeName(field.slice(2), 'authzid escaping is invalid')
}

/** `c=...,r=...[,extensions],p=...` */
export function parseClientFinal(message: Buffer): ClientFinal {
  const text = message.toString('latin1')
  const fields = text.split(',')
  const [channelBinding = '', nonce = ''] = fields
  const proof = fields.at(-1) ?? ''
  if (fields.length < 3) throw new SaslError('Invalid final client message')
  if (!channelBinding.startsWith('c=')) throw new SaslError('Invalid channel binding data')
  if (!nonce.startsWith('r=')) throw new SaslError('Wrong nonce')
  if (!proof.startsWith('p=')) throw new SaslError('Invalid ClientProof')
  return {
    channelBinding: base64(channelBinding.slice(2)),
    nonce: nonce.slice(2),
    proof: base64(proof.slice(2)),
    withoutProof: text.slice(0, text.length - proof.length - 1),
  }
}

/** `r=...,s=...,i=...[,extensions]` */
export function parseServerFirst(message: Buffer): ServerFirst {
  const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d{1,10})(?:,|$)/.exec(message.toString('latin1')) ?? []
  if (nonce === undefined || salt === undefined) throw new SaslError('Invalid server-first message')
  return { nonce, salt: base64(salt), iterations: Number(iterations) }
}

export function escapeName(name: string): string {
  return name.replace(/=/g, '=3D').replace(/,/g, '=2C')
}

export function unescapeName(name: string, complaint: string): string {
  if (/=(?!2C|3D)/.test(name)) throw new SaslError(complaint)
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function base64(text: string): Buffer {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new SaslError('Invalid base64 encoding')
  return Buffer.from(text, 'base64')
}
