import { compileTemplate, type VariableLookup } from '../expand.ts'
import { ExpandError } from './error.ts'
import type { ShortNames } from './names.ts'

/**
 * Fills in a format of the log. A line is never lost: variables that are not there are written as Dovecot writes them, a format
 * that makes no sense as it is.
 */
export function expandLogLine(format: string, shortNames: ShortNames, lookup: VariableLookup): string {
  try {
    return compileTemplate(format, shortNames).expand((name) => lookup(name) ?? `UNSUPPORTED_VARIABLE_${name}`)
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error
    return format
  }
}
