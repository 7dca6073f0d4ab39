/** Parameters of MAIL and RCPT: ` KEYWORD[=value]` each. RFC 5321 §4.1.1.11. Text is latin1-held bytes. */

export type ParsedParameters =
  /** By upper-case keyword; a keyword without value has an empty one. */
  | { readonly ok: true; readonly parameters: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly error: string }

/** Reads what follows a path: nothing, or a blank before every parameter. `name` is MAIL or RCPT, for the words of a 501. */
export function parseParameters(text: string, name: 'MAIL' | 'RCPT'): ParsedParameters {
  const parameters = new Map<string, string>()
  // A blank behind the path is no parameter yet.
  const words = text === '' || text === ' ' ? [] : text.slice(1).split(' ')
  for (const word of words) {
    if (word === '') return failed(`Invalid ${name} parameter: Parameter is empty`)
    const equals = word.indexOf('=')
    const keyword = equals < 0 ? word : word.slice(0, equals)
    const value = equals < 0 ? '' : word.slice(equals + 1)
    if (!/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(keyword)) {
      return failed(`Invalid ${name} parameter: Unexpected character in parameter keyword`)
    }
    if (!/^[\x21-\x3c\x3e-\x7e]*$/.test(value)) {
      return failed(`Invalid ${name} parameter: Unexpected character in parameter value`)
    }
    const upper = keyword.toUpperCase()
    if (equals < 0 && upper === 'BODY') return failed('Missing BODY= parameter value')
    if (parameters.has(upper)) return failed(`Duplicate ${upper}= parameter`)
    parameters.set(upper, value)
  }
  return { ok: true, parameters }
}

function failed(error: string): ParsedParameters {
  return { ok: false, error }
}
