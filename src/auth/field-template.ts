import { compileTemplate, ExpandError, type Template } from '../config/expand.ts'
import { unknownVariable } from './variables.ts'

/** A field that a database sets: a plain value (null: an SQL NULL) or a text with %variables. */
export interface DatabaseField {
  readonly name: string
  readonly value: string | null | Template
  /** The template's text. */
  readonly source?: string
  /** Where it comes from, for `auth explain`. */
  readonly from: string
}

/** Splits `key=value key2=value2` at blanks and compiles the values. A word without `=` has an empty value. */
export function compileFields(args: string, from: string): DatabaseField[] {
  return splitBlanks(args).map((word) => compileField(word, from))
}

/** One `key=value` or `key`. */
export function compileField(word: string, from: string): DatabaseField {
  const equals = word.indexOf('=')
  if (equals < 0) return { name: word, value: '', from }
  const source = word.slice(equals + 1)
  return { name: word.slice(0, equals), value: compileValue(source), source, from }
}

/** A template, or the text itself when it has no variables. */
export function compileValue(text: string): string | Template {
  const template = compileLate(text)
  return template.isConstant ? template.expand(() => undefined) : template
}

/** Compiles; a template that cannot be compiled fails when it is used, as in Dovecot, not when it is read. */
export function compileLate(text: string): Template {
  try {
    return compileTemplate(text)
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error
    const fault = error
    return {
      expand: () => {
        throw fault
      },
      variables: [],
      isConstant: false,
    }
  }
}

/** Why a template can never be expanded, if so: `compileLate` takes it all the same. `ownVariable` is one of its database's. */
export function templateFault(text: string, ownVariable?: string): string | undefined {
  try {
    const unknown = unknownVariable(compileTemplate(text), ownVariable)
    return unknown && `Unknown variable '%${unknown}'`
  } catch (error) {
    if (error instanceof ExpandError) return error.message
    throw error
  }
}

export function splitBlanks(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}
