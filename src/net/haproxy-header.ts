/**
 * The PROXY protocol's header, versions 1 and 2 (HAProxy's proxy-protocol.txt, version of 2020/03/05): what a load balancer
 * says about the connection it forwards.
 */
import type { Endpoint } from './byte-stream.ts'

export interface ProxyHeader {
  /** The connection that the balancer accepted. Absent for LOCAL and UNKNOWN: then our own connection counts. */
  readonly source?: Endpoint
  readonly destination?: Endpoint
  readonly alpn?: string
  /** The name the client asked for: SNI. */
  readonly authority?: string
  readonly uniqueId?: Buffer
  /** Present when the client came over TLS. */
  readonly tls?: ProxiedTls
}

export interface ProxiedTls {
  readonly protocol?: string
  readonly cipher?: string
  /** Common name of the client's certificate. */
  readonly commonName?: string
  /** The client showed a certificate, and the balancer found it valid. */
  readonly certificateVerified: boolean
}

/** Longer headers are refused. */
export const MAX_HEADER_BYTES = 1500
/** The longest version 1 line, its CRLF included. */
export const MAX_V1_BYTES = 107

export const V1_START = Buffer.from('PROXY ')
export const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** Signature, version and command, family, length. */
export const V2_FIXED_BYTES = 16

export const COMMAND = { local: 0, proxy: 1 } as const
export const FAMILY = { unspecified: 0, inet: 1, inet6: 2, unix: 3 } as const
export const TRANSPORT_STREAM = 1

/** Types of the TLVs of version 2. */
export const TLV = { alpn: 0x01, authority: 0x02, crc32c: 0x03, noop: 0x04, uniqueId: 0x05, tls: 0x20 } as const
/** Types inside the TLV `tls`. */
export const TLS_TLV = { protocol: 0x21, commonName: 0x22, cipher: 0x23 } as const
/** Bits of its first byte. */
export const TLS_CLIENT = { tls: 1, certificateNow: 2, certificateInSession: 4 } as const
