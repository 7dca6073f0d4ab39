import { compileTemplate, loginShortNames, type Template, type VariableLookup } from '../config/expand.ts'
import type { Settings } from '../config/config.ts'

/** Makes log lines of one settings object: the message, and what `login_log_format_elements` says about the session. */
export type LogLine = (message: string, lookup: VariableLookup) => string

interface Element {
  readonly template: Template
  /** What it looks like when all its variables are empty; then it is left out. Undefined: it stays. */
  readonly empty: string | undefined
}

const compiled = new WeakMap<LogSettings, LogLine>()

type LogSettings = Pick<Settings, 'login_log_format' | 'login_log_format_elements'>

/** `%$` is the message, `%s` the elements. */
const FORMAT_NAMES = new Map([
  ['$', 'message'],
  ['s', 'elements'],
])

/** Compiles once per settings object. Never throws: an element with a syntax error is left out. */
export function logLineOf(settings: LogSettings): LogLine {
  const known = compiled.get(settings)
  if (known !== undefined) return known
  const elements = settings.login_log_format_elements
    .split(' ')
    .filter((text) => text !== '')
    .map(compileElement)
  const format = compileSafely(settings.login_log_format, FORMAT_NAMES)
  const line: LogLine = (message, lookup) => {
    const joined = joinElements(elements, lookup)
    return expandSafely(format, (name) => (name === 'message' ? message : name === 'elements' ? joined : undefined))
  }
  compiled.set(settings, line)
  return line
}

function compileElement(text: string): Element {
  const template = compileSafely(text, loginShortNames)
  const named = template.variables.includes('user') || template.variables.includes('username')
  return { template, empty: named ? undefined : expandSafely(template, () => '') }
}

function joinElements(elements: readonly Element[], lookup: VariableLookup): string {
  let joined = ''
  for (const { template, empty } of elements) {
    const text = expandSafely(template, lookup)
    if (text === empty) continue
    joined = joined === '' ? text : `${joined}, ${text}`
  }
  return joined
}

function compileSafely(text: string, names: ReadonlyMap<string, string>): Template {
  try {
    return compileTemplate(text, names)
  } catch {
    return { expand: () => text, variables: [], isConstant: true }
  }
}

/** A log line about a problem must not become a problem. */
function expandSafely(template: Template, lookup: VariableLookup): string {
  try {
    return template.expand(lookup)
  } catch (error) {
    return `(${error instanceof Error ? error.message : 'cannot be expanded'})`
  }
}
