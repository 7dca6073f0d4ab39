import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A self-signed certificate for localhost, made once and kept. Paths of the PEM files. */
export async function devCertificate(directory: string): Promise<{ cert: string; key: string }> {
  const paths = { cert: join(directory, 'tls-cert.pem'), key: join(directory, 'tls-key.pem') }
  if (existsSync(paths.cert) && existsSync(paths.key)) return paths
  // A development dependency: only checkouts run this.
  const { generate } = await import('selfsigned')
  const pems = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec', curve: 'P-256' })
  writeFileSync(paths.cert, pems.cert)
  writeFileSync(paths.key, pems.private, { mode: 0o600 })
  return paths
}
