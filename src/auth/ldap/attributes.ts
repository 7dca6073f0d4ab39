// `pass_attrs`, `user_attrs` and `iterate_attrs`: which attributes are fetched, and the fields they become.
import type { Template, VariableLookup } from '../../config/expand.ts'
import { compileLate, type DatabaseField, templateFault } from '../field-template.ts'
import { shownValue } from '../log-text.ts'

/** An entry's attributes by name in lower case. */
export type LdapEntry = { readonly dn: string; readonly attributes: ReadonlyMap<string, readonly string[]> }

/** One word of an attribute list. */
interface Rule {
  /** The attribute, `attr@name` for one of a second entry; empty for `=field=template`. */
  readonly attribute: string
  readonly field: string
  readonly template: Template | undefined
}

export interface AttributeList {
  readonly rules: readonly Rule[]
  /** Entries to fetch by DN: `@name=%{ldap:attr}`. */
  readonly subqueries: readonly { readonly name: string; readonly dn: Template }[]
  /** What is asked of an entry: the one found (`''`) or a second one, by its name. */
  readonly wanted: ReadonlyMap<string, readonly string[]>
}

/** Entries of one lookup: the one found under `''`, second ones under their names. */
export type LdapEntries = ReadonlyMap<string, LdapEntry>

/** Parses an attribute list. Returns what is wrong with it. */
export function parseAttributes(text: string): AttributeList | string {
  const rules: Rule[] = []
  const subqueries: { name: string; dn: Template }[] = []
  const wanted = new Map<string, Set<string>>([['', new Set()]])
  const want = (attribute: string): void => {
    const [name, entry] = splitPointer(attribute)
    if (name === '' || /[:;\s]/.test(name)) return
    const names = wanted.get(entry) ?? new Set()
    wanted.set(entry, names.add(name))
  }
  for (const word of splitList(text)) {
    const { attribute, field, source } = splitWord(word)
    if (word.startsWith('!')) {
      want(word.slice(1))
      continue
    }
    if (field === '' || field === '@') return `Invalid attrs entry: ${word}`
    const fault = source === undefined ? undefined : templateFault(source, '$')
    if (fault !== undefined) return `Invalid attrs entry: ${word}: ${fault}`
    const template = source === undefined ? undefined : compileLate(source)
    for (const variable of template?.variables ?? []) if (variable.startsWith('ldap:')) want(variable.slice(5))
    if (field.startsWith('@')) subqueries.push({ name: field.slice(1), dn: template ?? compileLate('') })
    else rules.push({ attribute, field, template })
    want(attribute)
  }
  return { rules, subqueries, wanted: new Map([...wanted].map(([entry, names]) => [entry, [...names]])) }
}

/** Splits at commas outside of `%{...}`. */
function splitList(text: string): string[] {
  const words: string[] = []
  let depth = 0
  let word = ''
  for (const char of text) {
    if (char === '{') depth += 1
    else if (char === '}') depth -= 1
    if (char === ',' && depth <= 0) {
      words.push(word.trim())
      word = ''
    } else word += char
  }
  return [...words, word.trim()].filter((each) => each !== '')
}

/** `attr`, `attr=field`, `attr=field=template`, `=field=template` or `@name=template`. */
function splitWord(word: string): { attribute: string; field: string; source: string | undefined } {
  if (word.startsWith('@')) {
    const equals = word.indexOf('=')
    return {
      attribute: '',
      field: equals < 0 ? word : word.slice(0, equals),
      source: equals < 0 ? '' : word.slice(equals + 1),
    }
  }
  const [attribute = '', field = attribute, ...rest] = word.split('=')
  const source = rest.length > 0 ? rest.join('=') : attribute === '' ? '' : undefined
  // Dovecot: `attr=field=prefix` means `attr=field=prefix%$`.
  return {
    attribute,
    field,
    source: source !== undefined && !source.includes('%') && attribute !== '' ? `${source}%$` : source,
  }
}

function splitPointer(attribute: string): readonly [name: string, entry: string] {
  const at = attribute.indexOf('@')
  return at < 0 ? [attribute, ''] : [attribute.slice(0, at), attribute.slice(at + 1)]
}

/** Values of an attribute, `attr@name` for a second entry's. */
export function valuesOf(entries: LdapEntries, attribute: string): readonly string[] {
  const [name, entry] = splitPointer(attribute)
  return entries.get(entry)?.attributes.get(name.toLowerCase()) ?? []
}

/** `%{ldap:attr}`, `%{ldap_ptr:attr}`, `%{ldap:dn}`; everything else is for `lookup`. */
export function withLdap(entries: LdapEntries, lookup: VariableLookup, own = ''): VariableLookup {
  const first = (attribute: string): string | undefined => {
    const [value] = valuesOf(entries, attribute)
    return value ?? (attribute.toLowerCase() === 'dn' ? entries.get('')?.dn : undefined)
  }
  return (name) => {
    if (name === '$') return own
    if (name.startsWith('ldap:')) return first(name.slice('ldap:'.length))
    if (!name.startsWith('ldap_ptr:')) return lookup(name)
    const pointed = first(name.slice('ldap_ptr:'.length))
    return pointed === undefined ? undefined : first(pointed)
  }
}

/** The fields of a lookup, in the order of the list. `warn` takes lines about attributes with several values. */
export function fieldsFrom(
  { rules }: AttributeList,
  entries: LdapEntries,
  warn: (text: string) => void,
  /** Fields whose values are joined by commas. */
  joined: readonly string[] = [],
): DatabaseField[] {
  const fields: DatabaseField[] = []
  for (const { attribute, field, template } of rules) {
    const values = valuesOf(entries, attribute)
    if (attribute !== '' && values.length === 0) continue
    const isJoined = joined.includes(field)
    if (values.length > 1 && !isJoined)
      warn(`Multiple values found for '${field}', using value '${shownValue(field, values[0] ?? '')}'`)
    const own = isJoined ? values.join(',') : (values[0] ?? '')
    const from = attribute === '' ? 'template' : `attribute ${attribute}`
    fields.push({ name: field, value: template === undefined ? own : filled(template, entries, own), from })
  }
  return fields
}

/** The template, with the entries' attributes beside the request's variables. */
function filled(template: Template, entries: LdapEntries, own: string): Template {
  return {
    expand: (lookup, escape) => template.expand(withLdap(entries, lookup, own), escape),
    variables: template.variables,
    isConstant: false,
  }
}
