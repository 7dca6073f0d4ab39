// The ext file of `dict` databases: settings, and sections for keys and fields.
import { cleanLine } from '../../config/syntax/line.ts'
import type { Template } from '../../config/expand.ts'
import { readConfigText } from '../ext-file.ts'
import { compileLate, splitBlanks } from '../field-template.ts'
import { type DatabaseNeeds, DatabaseConfigError } from '../passdb/passdb.ts'

export interface DictKey {
  readonly name: string
  readonly path: Template
  readonly format: 'value' | 'json'
  /** Used when the dict has no such key; without it the user is unknown then. */
  readonly fallback: string | undefined
}

/** What a passdb or userdb takes from a dict. */
export interface DictUse {
  /** Keys whose JSON members are fields. */
  readonly objects: readonly DictKey[]
  readonly fields: readonly { readonly name: string; readonly template: Template }[]
  /** All keys that are looked up. */
  readonly keys: readonly DictKey[]
  /** The paths of all keys, for the auth cache. */
  readonly cacheKey: string
}

export interface DictSettings {
  readonly path: string
  readonly uri: string
  readonly scheme: string
  readonly iteratePrefix: string
  readonly canIterate: boolean
  readonly passdb: DictUse
  readonly userdb: DictUse
}

interface Section {
  readonly name: string
  readonly values: Map<string, string>
}

/** Reads an ext file. Throws DatabaseConfigError. */
export function readDictSettings(path: string, needs: DatabaseNeeds): DictSettings {
  if (path === '') throw new DatabaseConfigError('dict: Configuration file path not given')
  const sections = parseSections(path, readConfigText('dict', path, needs))
  const complain = (text: string): never => {
    throw new DatabaseConfigError(`dict ${path}: ${text}`)
  }
  const top = sections.find(({ name }) => name === '')?.values ?? new Map<string, string>()
  for (const name of top.keys()) if (!TOP.has(name)) complain(`Unknown setting: ${name}`)
  const keys = new Map<string, DictKey>()
  for (const { name, values } of sections) {
    const [, keyName] = /^key (\S+)$/.exec(name) ?? []
    if (keyName !== undefined) keys.set(keyName, keyOf(keyName, values, complain))
    else if (!FIELD_SECTIONS.has(name)) complain(`Unknown section: ${name}`)
  }
  const use = (part: string): DictUse => {
    const fields = sections.find(({ name }) => name === `${part}_fields`)?.values ?? new Map<string, string>()
    return useOf(splitBlanks(top.get(`${part}_objects`) ?? ''), fields, keys, complain)
  }
  const uri = top.get('uri') ?? ''
  if (uri === '') complain('Empty uri setting')
  return {
    path,
    uri,
    scheme: top.get('default_pass_scheme') ?? 'MD5',
    iteratePrefix: top.get('iterate_prefix') ?? '',
    canIterate: top.get('iterate_disable') !== 'yes' && (top.get('iterate_prefix') ?? '') !== '',
    passdb: use('passdb'),
    userdb: use('userdb'),
  }
}

const TOP: ReadonlySet<string> = new Set([
  'uri',
  'default_pass_scheme',
  'iterate_prefix',
  'iterate_disable',
  'passdb_objects',
  'userdb_objects',
])
const FIELD_SECTIONS: ReadonlySet<string> = new Set(['', 'passdb_fields', 'userdb_fields'])

/** `name = value` lines, one level of `name { }` around some of them. */
function parseSections(path: string, text: string): readonly Section[] {
  const sections: Section[] = [{ name: '', values: new Map() }]
  let isOpen = false
  for (const [index, line] of text.split('\n').entries()) {
    const clean = cleanLine(line.replace(/\r$/, '')).text.trim()
    const fault = (what: string): DatabaseConfigError =>
      new DatabaseConfigError(`dict ${path}: Error in configuration file ${path} line ${index + 1}: ${what}`)
    if (clean === '') continue
    if (clean === '}') {
      if (!isOpen) throw fault('Unexpected }')
      isOpen = false
    } else if (clean.endsWith('{')) {
      if (isOpen) throw fault('Section within a section')
      isOpen = true
      sections.push({ name: clean.slice(0, -1).trim().replace(/\s+/g, ' '), values: new Map() })
    } else {
      const equals = clean.indexOf('=')
      if (equals < 0) throw fault("Expecting '='")
      const target = isOpen ? sections.at(-1) : sections[0]
      target?.values.set(clean.slice(0, equals).trim(), clean.slice(equals + 1).trim())
    }
  }
  if (isOpen) throw new DatabaseConfigError(`dict ${path}: Missing '}'`)
  return sections
}

function keyOf(name: string, values: ReadonlyMap<string, string>, complain: (text: string) => never): DictKey {
  for (const setting of values.keys())
    if (!/^(key|format|default_value)$/.test(setting)) complain(`key ${name}: Unknown setting: ${setting}`)
  const path = values.get('key') ?? ''
  const format = values.get('format') ?? 'value'
  if (path === '') complain(`key ${name}: no key`)
  if (format !== 'value' && format !== 'json') complain(`key ${name}: Invalid format: ${format}`)
  return {
    name,
    path: compileLate(path),
    format: format === 'json' ? 'json' : 'value',
    fallback: values.get('default_value'),
  }
}

function useOf(
  objects: readonly string[],
  fields: ReadonlyMap<string, string>,
  keys: ReadonlyMap<string, DictKey>,
  complain: (text: string) => never,
): DictUse {
  const find = (name: string): DictKey => keys.get(name) ?? complain(`There is no key ${name}`)
  const templates = [...fields].map(([name, text]) => ({ name, template: compileLate(text) }))
  const named = templates.flatMap(({ template }) => template.variables.filter((name) => name.startsWith('dict:')))
  const used = new Set([
    ...objects.map(find),
    ...named.map((name) => find(name.slice('dict:'.length).split('.')[0] ?? '')),
  ])
  for (const key of objects.map(find)) if (key.format !== 'json') complain(`key ${key.name}: objects need format=json`)
  return {
    objects: objects.map(find),
    fields: templates,
    keys: [...used],
    cacheKey: [...used].map(({ path }) => path.variables.map((name) => `%{${name}}`).join(' ')).join(' '),
  }
}
