// What the policy server is told of a login: a JSON object of texts, made as Dovecot makes it.
import { createHash, type Hash } from 'node:crypto'
import type { Template, VariableLookup } from '../../config/expand.ts'
import { md4 } from '../../util/md4.ts'
import { compileLate } from '../field-template.ts'

export interface PolicyAttribute {
  readonly name: string
  /** `group/name` puts it into an object of its own; the rest of the slashes belong to the name. */
  readonly group: string | undefined
  readonly value: Template
}

/** Reads `auth_policy_request_attributes`: `name=template` words, in the order of their bytes. */
export function parseAttributes(text: string): readonly PolicyAttribute[] {
  const words = text.split(/[ \t\r\n]+/).filter((word) => word.includes('='))
  const pairs = words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] as const)
  const sorted = pairs.sort(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
  return sorted.map(([key, template]) => {
    const slash = key.indexOf('/')
    return {
      name: key.slice(slash + 1),
      group: slash < 0 ? undefined : key.slice(0, slash),
      value: compileLate(template),
    }
  })
}

/** What a report says besides the attributes. */
export interface PolicyReport {
  readonly success: boolean
  readonly refused: boolean
}

/** The body of a request. `tls`: the client's connection has it. Throws ExpandError. */
export function writeRequest(
  attributes: readonly PolicyAttribute[],
  lookup: VariableLookup,
  tls: boolean,
  report?: PolicyReport,
): string {
  const parts: string[] = []
  let group: { name: string; parts: string[] } | undefined
  const closeGroup = (): void => {
    if (group !== undefined) parts.push(`${JSON.stringify(group.name)}:{${group.parts.join(',')}}`)
    group = undefined
  }
  for (const { name, group: groupName, value } of attributes) {
    const text = `${JSON.stringify(name)}:${JSON.stringify(value.expand(lookup))}`
    if (groupName !== group?.name) closeGroup()
    if (groupName === undefined) parts.push(text)
    else if (group === undefined) group = { name: groupName, parts: [text] }
    else group.parts.push(text)
  }
  closeGroup()
  if (report !== undefined) parts.push(`"success":${report.success}`, `"policy_reject":${report.refused}`)
  parts.push(`"tls":${tls}`)
  return `{${parts.join(',')}}`
}

/** How the policy server sees passwords. */
export interface PasswordHash {
  readonly mech: string
  readonly nonce: Buffer
  /** The first so many bits; 0 is all of them. */
  readonly truncateBits: number
}

/** `%{hashed_password}`: the hash of nonce, user name, NUL and password; its first bits, in hexadecimal. */
export function hashPassword({ mech, nonce, truncateBits }: PasswordHash, user: string, password: Buffer): string {
  const input = Buffer.concat([nonce, Buffer.from(user), Buffer.of(0), password])
  return firstBits(mech === 'md4' ? md4(input) : digest(createHash(mech), input), truncateBits).toString('hex')
}

function digest(hash: Hash, input: Buffer): Buffer {
  return hash.update(input).digest()
}

/** The first bits as a number without the others: shifted right. */
function firstBits(bytes: Buffer, bits: number): Buffer {
  if (bits === 0 || bits >= bytes.length * 8) return bytes
  const kept = Buffer.from(bytes.subarray(0, Math.ceil(bits / 8)))
  const shift = (8 - (bits % 8)) % 8
  for (let at = kept.length - 1; at >= 0; at--) {
    const before = at === 0 ? 0 : (kept[at - 1] ?? 0)
    kept[at] = (((before << 8) | (kept[at] ?? 0)) >> shift) & 0xff
  }
  return kept
}
