import { createHash, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { BareTls } from './bare/bare-tls.ts'

const EXPORTER_LABEL = 'EXPORTER-Channel-Binding'
const EXPORTER_BYTES = 32

/**
 * What ties a SASL login to this TLS connection, seen from the server: `tls-exporter` (RFC 9266; TLS 1.3 only, as older
 * sessions need not be unique) and `tls-server-end-point` (RFC 5929 section 4). `undefined` for other types.
 */
export function serverChannelBinding(socket: TLSSocket | BareTls, type: string): Buffer | undefined {
  switch (type) {
    case 'tls-exporter':
      return socket.getProtocol() === 'TLSv1.3'
        ? socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0))
        : undefined
    case 'tls-server-end-point':
      return endPoint(socket)
    default:
      return undefined
  }
}

/** The certificate's hash, by the algorithm that signed it; MD5 and SHA-1 become SHA-256. */
function endPoint(socket: TLSSocket | BareTls): Buffer | undefined {
  const certificate = socket.getCertificate()
  if (certificate === null || !('raw' in certificate) || !Buffer.isBuffer(certificate.raw)) return undefined
  const [, bits = '256'] = /sha(384|512)/i.exec(new X509Certificate(certificate.raw).signatureAlgorithm ?? '') ?? []
  return createHash(`sha${bits}`).update(certificate.raw).digest()
}
