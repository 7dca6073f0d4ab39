// One ext file: its settings and its dict. Blocks with the same file share one.
import { ExpandError, type VariableLookup } from '../../config/expand.ts'
import type { DatabaseField } from '../field-template.ts'
import type { DatabaseNeeds, DatabaseRequest } from '../passdb/passdb.ts'
import { type Dict, escapeDict, openDict, unescapeDict } from './dict.ts'
import { type DictKey, type DictSettings, type DictUse, readDictSettings } from './settings.ts'

export interface DictDatabase {
  readonly settings: DictSettings
  readonly dict: Dict
}

export type DictOutcome =
  | { readonly kind: 'found'; readonly fields: readonly DatabaseField[] }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'internal-failure'; readonly log: string }

const databases = new WeakMap<DatabaseNeeds, Map<string, DictDatabase>>()

/** Opens an ext file, once for all blocks of a service. Throws DatabaseConfigError. */
export function openDictDatabase(path: string, needs: DatabaseNeeds): DictDatabase {
  const known = databases.get(needs) ?? new Map<string, DictDatabase>()
  databases.set(needs, known)
  let database = known.get(path)
  if (database === undefined) {
    const settings = readDictSettings(path, needs)
    known.set(path, (database = { settings, dict: openDict(settings.uri, needs) }))
  }
  return database
}

/** Looks up every key that is used. One that is missing, without a default value, makes the user unknown. */
export async function findFields(dict: Dict, use: DictUse, request: DatabaseRequest): Promise<DictOutcome> {
  try {
    const values = new Map<string, unknown>()
    for (const key of use.keys) {
      const value = await valueOf(dict, key, request)
      if (value === undefined) return { kind: 'unknown' }
      values.set(key.name, value)
    }
    return { kind: 'found', fields: [...objectFields(use, values), ...templateFields(use, values)] }
  } catch (error) {
    const what = error instanceof ExpandError ? 'Failed to expand key' : 'dict lookup failed'
    return { kind: 'internal-failure', log: `${what}: ${error instanceof Error ? error.message : String(error)}` }
  }
}

async function valueOf(dict: Dict, key: DictKey, request: DatabaseRequest): Promise<unknown> {
  const path = key.path.expand(request.lookup, escapeDict)
  const text = /[\0\r\n]/.test(path) ? undefined : await dict.lookup(path)
  if (request.isDebug) request.logDatabase('debug', `Lookup: ${path} ${text === undefined ? 'not found' : 'found'}`)
  const value = text ?? key.fallback
  if (value === undefined || key.format === 'value') return value
  const parsed: unknown = value === '' ? {} : JSON.parse(value)
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`key ${key.name} is no JSON object`)
  return parsed
}

function objectFields({ objects }: DictUse, values: ReadonlyMap<string, unknown>): DatabaseField[] {
  const fields: DatabaseField[] = []
  for (const { name: key } of objects)
    for (const [name, value] of Object.entries(values.get(key) ?? {})) {
      const text = textOf(value)
      if (text !== undefined) fields.push({ name, value: clean(name, text), from: `key ${key}` })
    }
  return fields
}

function templateFields({ fields }: DictUse, values: ReadonlyMap<string, unknown>): DatabaseField[] {
  return fields.map(({ name, template }) => ({
    name,
    value: {
      expand: (lookup: VariableLookup, escape?: (value: string) => string) =>
        template.expand(
          (variable) =>
            variable.startsWith('dict:') ? member(values, variable.slice('dict:'.length)) : lookup(variable),
          escape,
        ),
      variables: template.variables,
      isConstant: false,
    },
    from: 'dict fields',
  }))
}

/** `name`, or `name.member.member` of a JSON object. */
function member(values: ReadonlyMap<string, unknown>, path: string): string | undefined {
  const [name = '', ...members] = path.split('.')
  let value: unknown = values.get(name)
  for (const each of members)
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, each) ? Reflect.get(value, each) : undefined
  const text = textOf(value)
  return text === undefined ? undefined : clean(path, text)
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** Line breaks and NUL in a value end up in somebody's protocol. */
function clean(name: string, text: string): string {
  if (/[\0\r\n]/.test(text)) throw new ExpandError(`line break or NUL in '${name}'`)
  return text
}

/** The users whose keys stand directly under `iterate_prefix`. */
export async function* listUsers({ dict, settings }: DictDatabase, signal: AbortSignal): AsyncIterable<string> {
  for await (const key of dict.keys(settings.iteratePrefix, signal)) {
    const name = key.slice(settings.iteratePrefix.length)
    if (name !== '' && !name.includes('/')) yield unescapeDict(name)
  }
}
