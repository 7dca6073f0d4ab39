import { ipBytes, ipFamily } from '../util/ip.ts'
import type { Endpoint } from './byte-stream.ts'
import { crc32c } from './crc32c.ts'
import {
  COMMAND,
  FAMILY,
  type ProxiedTls,
  type ProxyHeader,
  TLS_CLIENT,
  TLS_TLV,
  TLV,
  TRANSPORT_STREAM,
  V2_SIGNATURE,
} from './haproxy-header.ts'

const MAPPED_PREFIX = Buffer.from('00000000000000000000ffff', 'hex')

/** The header that tells a backend about the connection we forward. Without both addresses it says LOCAL or UNKNOWN. */
export function writeProxyHeader(version: 'v1' | 'v2', header: ProxyHeader): Buffer {
  return version === 'v1' ? writeV1(header) : writeV2(header)
}

function writeV1({ source, destination }: ProxyHeader): Buffer {
  if (source === undefined || destination === undefined) return Buffer.from('PROXY UNKNOWN\r\n')
  const family = commonFamily(source, destination)
  const text = ({ ip }: Endpoint): string => (family === 6 && ipFamily(ip) === 4 ? `::ffff:${ip}` : ip)
  return Buffer.from(`PROXY TCP${family} ${text(source)} ${text(destination)} ${source.port} ${destination.port}\r\n`)
}

function writeV2(header: ProxyHeader): Buffer {
  const { source, destination } = header
  if (source === undefined || destination === undefined) return wrap(COMMAND.local, 0, [])
  const family = commonFamily(source, destination)
  const parts = [addressBytes(source, family), addressBytes(destination, family), ports(source, destination)]
  const familyAndTransport = ((family === 4 ? FAMILY.inet : FAMILY.inet6) << 4) | TRANSPORT_STREAM
  return withChecksum(
    wrap(COMMAND.proxy, familyAndTransport, [...parts, ...headerTlvs(header), tlv(TLV.crc32c, Buffer.alloc(4))]),
  )
}

function wrap(command: number, familyAndTransport: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const fixed = Buffer.alloc(4)
  fixed.writeUInt8(0x20 | command, 0)
  fixed.writeUInt8(familyAndTransport, 1)
  fixed.writeUInt16BE(body.length, 2)
  return Buffer.concat([V2_SIGNATURE, fixed, body])
}

/** The checksum is the last TLV, so its value is the last four bytes. */
function withChecksum(header: Buffer): Buffer {
  header.writeUInt32BE(crc32c(header), header.length - 4)
  return header
}

function headerTlvs({ alpn, authority, uniqueId, tls }: ProxyHeader): Buffer[] {
  return [
    ...textTlv(TLV.alpn, alpn),
    ...textTlv(TLV.authority, authority),
    ...(uniqueId === undefined ? [] : [tlv(TLV.uniqueId, uniqueId)]),
    ...(tls === undefined ? [] : [tlv(TLV.tls, tlsValue(tls))]),
  ]
}

function tlsValue({ protocol, cipher, commonName, certificateVerified }: ProxiedTls): Buffer {
  const fixed = Buffer.alloc(5)
  fixed.writeUInt8(certificateVerified ? TLS_CLIENT.tls | TLS_CLIENT.certificateNow : TLS_CLIENT.tls, 0)
  fixed.writeUInt32BE(certificateVerified ? 0 : 1, 1)
  return Buffer.concat([
    fixed,
    ...textTlv(TLS_TLV.protocol, protocol),
    ...textTlv(TLS_TLV.commonName, commonName),
    ...textTlv(TLS_TLV.cipher, cipher),
  ])
}

function textTlv(type: number, text: string | undefined): Buffer[] {
  return text === undefined ? [] : [tlv(type, Buffer.from(text, 'utf8'))]
}

function tlv(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(3)
  head.writeUInt8(type, 0)
  head.writeUInt16BE(value.length, 1)
  return Buffer.concat([head, value])
}

function commonFamily(source: Endpoint, destination: Endpoint): 4 | 6 {
  return ipFamily(source.ip) === 4 && ipFamily(destination.ip) === 4 ? 4 : 6
}

function addressBytes({ ip }: Endpoint, family: 4 | 6): Buffer {
  const bytes = ipBytes(ip) ?? Buffer.alloc(4)
  return family === 6 && bytes.length === 4 ? Buffer.concat([MAPPED_PREFIX, bytes]) : bytes
}

function ports(source: Endpoint, destination: Endpoint): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt16BE(source.port, 0)
  bytes.writeUInt16BE(destination.port, 2)
  return bytes
}
