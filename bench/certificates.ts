import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate } from 'selfsigned'

export type KeyType = 'p256' | 'rsa2048'

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  /** Both in one file, as HAProxy wants it. */
  readonly bothFile: string
}

/** Writes a self-signed certificate and its key into the directory. */
export async function makeCertificate(directory: string, type: KeyType): Promise<Certificate> {
  const key =
    type === 'p256' ? ({ keyType: 'ec', curve: 'P-256' } as const) : ({ keyType: 'rsa', keySize: 2048 } as const)
  const made = await generate([{ name: 'commonName', value: 'mail.example.org' }], { ...key, algorithm: 'sha256' })
  const write = (name: string, text: string) => {
    const file = join(directory, `${type}.${name}`)
    writeFileSync(file, text, { mode: 0o644 })
    return file
  }
  return {
    certFile: write('cert.pem', made.cert),
    keyFile: write('key.pem', made.private),
    bothFile: write('both.pem', `${made.cert}\n${made.private}`),
  }
}
