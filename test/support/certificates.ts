import { isIP } from 'node:net'
import { generate, type SelfsignedOptions } from 'selfsigned'

/** A key and its certificate, PEM. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

export interface CertificateWishes {
  readonly commonName?: string
  /** Host names and IP addresses for the subjectAltName; default `localhost` and `127.0.0.1`. */
  readonly names?: readonly string[]
  /** Validity ended yesterday. */
  readonly expired?: boolean
  readonly keyType?: 'ec' | 'rsa'
}

const DAY_MS = 24 * 60 * 60_000

/** A certificate authority for one test run. */
export async function makeAuthority(commonName = 'Test CA'): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: commonName }], {
    ...validity(false),
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return { key: made.private, cert: made.cert }
}

/** A certificate for a server or client, signed by `authority`, or by itself without one. */
export async function makeCertificate(authority?: Certificate, wishes: CertificateWishes = {}): Promise<Certificate> {
  const { commonName = 'localhost', names = ['localhost', '127.0.0.1'], expired = false, keyType = 'ec' } = wishes
  const altNames = names.map((name) =>
    isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name },
  )
  const options: SelfsignedOptions = {
    ...validity(expired),
    keyType,
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames },
    ],
  }
  const made = await generate(
    [{ name: 'commonName', value: commonName }],
    authority === undefined ? options : { ...options, ca: { ...authority } },
  )
  return { key: made.private, cert: made.cert }
}

function validity(expired: boolean): { notBeforeDate: Date; notAfterDate: Date } {
  const now = Date.now()
  const [from, to] = expired ? [-2, -1] : [-1, 30]
  return { notBeforeDate: new Date(now + from * DAY_MS), notAfterDate: new Date(now + to * DAY_MS) }
}
