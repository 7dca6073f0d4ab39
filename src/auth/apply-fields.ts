import { ExpandError } from '../config/expand.ts'
import type { DatabaseField } from './field-template.ts'
import { shownValue } from './log-text.ts'
import { setPassdbField } from './passdb-field.ts'
import type { AuthRequest } from './request.ts'
import { setUserdbField } from './userdb-field.ts'

/**
 * Sets fields in their order. %u and its parts mean the name before the first of them; `%{passdb:x}` sees those set so far.
 * Returns what is wrong with a template, if anything.
 */
export function applyPassdbFields(
  request: AuthRequest,
  fields: readonly DatabaseField[],
  defaultScheme: string,
): string | undefined {
  return apply(request, fields, (name, value, from) => setPassdbField(request, name, value, from, defaultScheme))
}

/** The same for a userdb. */
export function applyUserdbFields(request: AuthRequest, fields: readonly DatabaseField[]): string | undefined {
  return apply(request, fields, (name, value, from) => setUserdbField(request, name, value, from))
}

function apply(
  request: AuthRequest,
  fields: readonly DatabaseField[],
  set: (name: string, value: string | null, from: string) => void,
): string | undefined {
  if (fields.length === 0) return undefined
  request.templateUser = request.user
  try {
    for (const { name, value, source, from } of fields) {
      const isText = typeof value === 'string' || value === null
      const expanded = isText ? value : value.expand(request.lookup)
      if (!isText && request.trace !== undefined) {
        request.trace.note(`${name}=${shownValue(name, source ?? '')} -> ${shownValue(name, expanded ?? '')}`)
      }
      set(name, expanded, from)
    }
    return undefined
  } catch (error) {
    if (error instanceof ExpandError) return error.message
    throw error
  } finally {
    request.templateUser = undefined
  }
}
