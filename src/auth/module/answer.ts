// What a module returned, checked: it may be anything.
import type { DatabaseField } from '../field-template.ts'
import type { VerifyReply } from '../passdb/passdb.ts'

const FIELD_LIMITS = { count: 200, nameLength: 128, valueLength: 16 * 1024 } as const

/** A reply; nonsense is an internal failure that says what is wrong. */
export function parseAnswer(value: unknown, from: string): VerifyReply {
  if (!isObject(value)) return nonsense(from, `no object but ${shown(value)}`)
  const { result, fields, reason } = value
  switch (result) {
    case 'ok':
      return parseFields(fields, from)
    case 'unknown-user':
      return { kind: 'unknown' }
    case 'password-mismatch':
    case 'user-disabled':
    case 'password-expired':
      return { kind: result }
    case 'temporary-failure':
      return {
        kind: 'internal-failure',
        log: `${from}: ${typeof reason === 'string' ? shown(reason) : 'temporary failure'}`,
      }
    default:
      return nonsense(from, `the result ${shown(result)}`)
  }
}

/** Words without blanks, commas or control characters. `undefined`: nonsense. */
export function parseWords(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined
  return value.every((word): word is string => typeof word === 'string' && !/[\0\r\n\t,]/.test(word))
    ? value
    : undefined
}

function parseFields(value: unknown, from: string): VerifyReply {
  if (value === undefined) return { kind: 'found', fields: [] }
  if (!isObject(value)) return nonsense(from, `fields that are ${shown(value)}`)
  const entries = Object.entries(value)
  if (entries.length > FIELD_LIMITS.count) return nonsense(from, `${entries.length} fields`)
  const fields: DatabaseField[] = []
  for (const [name, field] of entries) {
    const text = textOf(field)
    if (!/^[A-Za-z0-9_.:/-]+$/.test(name) || name.length > FIELD_LIMITS.nameLength)
      return nonsense(from, `a field named ${shown(name)}`)
    if (text === undefined) return nonsense(from, `a field ${name} that is no text, number or boolean`)
    if (text !== null && (/[\0\r\n]/.test(text) || text.length > FIELD_LIMITS.valueLength))
      return nonsense(from, `a field ${name} with a line break or NUL, or too long`)
    fields.push({ name, value: text, from })
  }
  return { kind: 'found', fields }
}

/** Being there means true: false is left out. */
function textOf(value: unknown): string | null | undefined {
  if (value === null || value === false) return null
  if (value === true) return 'y'
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined
  return typeof value === 'string' ? value : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nonsense(from: string, what: string): VerifyReply {
  return { kind: 'internal-failure', log: `${from} returned ${what}` }
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?')
}
