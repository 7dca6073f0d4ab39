import { ipFromBytes, normalizeIp } from '../util/ip.ts'
import type { Endpoint } from './byte-stream.ts'
import { crc32c } from './crc32c.ts'
import {
  COMMAND,
  FAMILY,
  MAX_HEADER_BYTES,
  MAX_V1_BYTES,
  type ProxiedTls,
  type ProxyHeader,
  TLS_CLIENT,
  TLS_TLV,
  TLV,
  TRANSPORT_STREAM,
  V1_START,
  V2_FIXED_BYTES,
  V2_SIGNATURE,
} from './haproxy-header.ts'

export type ParsedHeader =
  /** All good so far, but it goes on. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly sizeBytes: number }
  /** `problem (details)` in Dovecot's words; `version` is empty when it is neither. */
  | {
      readonly kind: 'invalid'
      readonly version: '' | 'v1' | 'v2'
      readonly problem: string
      readonly details: readonly string[]
    }

const INCOMPLETE: ParsedHeader = { kind: 'incomplete' }

/** Reads a PROXY header from the beginning of what a connection sent so far. What follows the header is not looked at. */
export function parseProxyHeader(bytes: Buffer): ParsedHeader {
  try {
    if (startsLike(bytes, V2_SIGNATURE)) return parseV2(bytes)
    if (startsLike(bytes, V1_START)) return parseV1(bytes)
    throw new Invalid('', 'Failed to read valid HAproxy data')
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    return { kind: 'invalid', version: error.version, problem: error.message, details: error.details }
  }
}

class Invalid extends Error {
  readonly version: '' | 'v1' | 'v2'
  readonly details: readonly string[]

  constructor(version: '' | 'v1' | 'v2', problem: string, details: readonly string[] = []) {
    super(problem)
    this.version = version
    this.details = details
  }
}

/** What is there of it agrees with the start. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.subarray(0, length).equals(start.subarray(0, length))
}

/** `PROXY TCP4 192.0.2.1 192.0.2.2 56324 143` CRLF */
function parseV1(bytes: Buffer): ParsedHeader {
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf('\r\n')
  if (end < 0) {
    if (bytes.length >= MAX_V1_BYTES) throw new Invalid('', 'Too long header')
    return INCOMPLETE
  }
  const [, protocol = '', ...fields] = bytes.toString('latin1', 0, end).split(' ')
  return { kind: 'header', header: v1Addresses(protocol, fields), sizeBytes: end + 2 }
}

function v1Addresses(protocol: string, fields: readonly string[]): ProxyHeader {
  if (protocol === '') throw new Invalid('v1', 'Field for proxied protocol is missing')
  // Whatever stands behind UNKNOWN is to be ignored.
  if (protocol === 'UNKNOWN') return {}
  if (protocol !== 'TCP4' && protocol !== 'TCP6') {
    throw new Invalid('v1', 'Unknown proxied protocol', [`protocol=\`${printable(protocol)}'`])
  }
  const [source, destination, sourcePort, destinationPort, extra] = fields
  const family = protocol === 'TCP4' ? 4 : 6
  const from = v1Ip('remote', source, family)
  const to = v1Ip('local', destination, family)
  const header = {
    source: { ip: from, port: v1Port('remote', sourcePort) },
    destination: { ip: to, port: v1Port('local', destinationPort) },
  }
  if (extra !== undefined)
    throw new Invalid('v1', 'Header line has spurius extra field', [`field=\`${printable(extra)}'`])
  return header
}

function v1Ip(which: 'remote' | 'local', field: string | undefined, family: 4 | 6): string {
  if (field === undefined) throw new Invalid('v1', `Field for proxied ${which} address is missing`)
  const ip = normalizeIp(field)
  const written = field.includes(':') ? 6 : 4
  if (ip === undefined || written !== family) {
    throw new Invalid('v1', `Proxied ${which} address is invalid`, [`address=\`${printable(field)}'`])
  }
  return ip
}

function v1Port(which: 'remote' | 'local', field: string | undefined): number {
  if (field === undefined) throw new Invalid('v1', `Field for proxied ${which} port is missing`)
  if (!/^\d{1,5}$/.test(field) || Number(field) > 65535) {
    throw new Invalid('v1', `Proxied ${which} port is invalid`, [`port=\`${printable(field)}'`])
  }
  return Number(field)
}

function parseV2(bytes: Buffer): ParsedHeader {
  if (bytes.length < V2_FIXED_BYTES) return INCOMPLETE
  const [versionAndCommand, familyAndTransport] = [bytes.readUInt8(12), bytes.readUInt8(13)]
  if (versionAndCommand >> 4 !== 2)
    throw new Invalid('', 'Unsupported protocol version', [`version=${hex(versionAndCommand >> 4)}`])
  const sizeBytes = V2_FIXED_BYTES + bytes.readUInt16BE(14)
  if (sizeBytes > MAX_HEADER_BYTES) throw new Invalid('', 'Too long header')
  if (bytes.length < sizeBytes) return INCOMPLETE
  const command = versionAndCommand & 0x0f
  if (command === COMMAND.local) return { kind: 'header', header: {}, sizeBytes }
  if (command !== COMMAND.proxy) throw new Invalid('v2', 'Invalid command', [`cmd=${hex(command)}`])
  return { kind: 'header', header: parseProxied(bytes.subarray(0, sizeBytes), familyAndTransport), sizeBytes }
}

function parseProxied(header: Buffer, familyAndTransport: number): ProxyHeader {
  const transport = familyAndTransport & 0x0f
  if (transport !== TRANSPORT_STREAM) throw new Invalid('v2', 'Not using TCP', [`type=${hex(transport)}`])
  const addressBytes = addressLength(familyAndTransport >> 4)
  const body = header.subarray(V2_FIXED_BYTES)
  if (body.length < addressBytes * 2 + 4) {
    throw new Invalid('v2', `${addressBytes === 4 ? 'IPv4' : 'IPv6'} data is incomplete`)
  }
  const endpoint = (which: 0 | 1): Endpoint => ({
    ip: ipFromBytes(body.subarray(which * addressBytes, (which + 1) * addressBytes)),
    port: body.readUInt16BE(addressBytes * 2 + which * 2),
  })
  const start = V2_FIXED_BYTES + addressBytes * 2 + 4
  return { source: endpoint(0), destination: endpoint(1), ...parseTlvs(header, start) }
}

function addressLength(family: number): 4 | 16 {
  if (family === FAMILY.inet) return 4
  if (family === FAMILY.inet6) return 16
  const known = family === FAMILY.unix || family === FAMILY.unspecified
  throw new Invalid('v2', `${known ? 'Unsupported' : 'Unknown'} address family`, [`family=${hex(family)}`])
}

interface Tlv {
  readonly type: number
  readonly value: Buffer
  /** Where the value stands in the header. */
  readonly at: number
}

function parseTlvs(header: Buffer, start: number): Partial<ProxyHeader> {
  const found: { -readonly [K in keyof ProxyHeader]: ProxyHeader[K] } = {}
  for (const { type, value, at } of tlvs(header, start)) {
    if (type === TLV.alpn) found.alpn = name(type, value)
    else if (type === TLV.authority) found.authority = name(type, value)
    else if (type === TLV.uniqueId) found.uniqueId = Buffer.from(value)
    else if (type === TLV.crc32c) checkCrc(header, value, at)
    else if (type === TLV.tls) {
      const tls = parseTls(value)
      if (tls !== undefined) found.tls = tls
    }
  }
  return found
}

function* tlvs(bytes: Buffer, start: number): Generator<Tlv> {
  let at = start
  while (at < bytes.length) {
    const type = bytes.readUInt8(at)
    if (at + 3 > bytes.length) throw badTlv(type, 'header is cut')
    const length = bytes.readUInt16BE(at + 1)
    at += 3
    if (at + length > bytes.length) throw badTlv(type, 'value is cut')
    yield { type, value: bytes.subarray(at, at + length), at }
    at += length
  }
}

function badTlv(type: number, what: string): Invalid {
  return new Invalid('v2', `Invalid TLV: ${what}`, [`cmd=${hex(type)}`])
}

/** Computed with zeros in place of the checksum itself. */
function checkCrc(header: Buffer, value: Buffer, at: number): void {
  if (value.length !== 4) throw badTlv(TLV.crc32c, 'checksum has not 4 bytes')
  const zeroed = Buffer.from(header)
  zeroed.writeUInt32BE(0, at)
  if (crc32c(zeroed) !== value.readUInt32BE(0)) throw badTlv(TLV.crc32c, 'checksum does not match')
}

/** Undefined when the client came without TLS. */
function parseTls(value: Buffer): ProxiedTls | undefined {
  if (value.length < 5) throw badTlv(TLV.tls, 'value is cut')
  const client = value.readUInt8(0)
  if ((client & TLS_CLIENT.tls) === 0) return undefined
  const shown = (client & (TLS_CLIENT.certificateNow | TLS_CLIENT.certificateInSession)) !== 0
  const found: { -readonly [K in keyof ProxiedTls]: ProxiedTls[K] } = {
    certificateVerified: shown && value.readUInt32BE(1) === 0,
  }
  for (const { type, value: inner } of tlvs(value, 5)) {
    if (type === TLS_TLV.protocol) found.protocol = name(type, inner)
    else if (type === TLS_TLV.cipher) found.cipher = name(type, inner)
    else if (type === TLS_TLV.commonName) found.commonName = commonName(inner)
  }
  return found
}

function name(type: number, value: Buffer): string {
  const text = value.toString('latin1')
  if (!/^[\x21-\x7e]*$/.test(text)) throw badTlv(type, 'value is not printable')
  return text
}

/** UTF-8; a name with a NUL would be another name to whoever stops there. */
function commonName(value: Buffer): string {
  if (value.includes(0)) throw badTlv(TLS_TLV.commonName, 'value has a NUL')
  return value.toString('utf8')
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0')
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
