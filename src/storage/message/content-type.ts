import type { FieldLexer } from './lexer.ts'

/**
 * `type/subtype` (RFC 2045 section 5.1), which only parameters may follow; empty when it is broken. A type alone comes
 * without slash.
 */
export function readContentType(lexer: FieldLexer): string {
  lexer.skip()
  const after = lexer.token()
  const type = lexer.take()
  if (after === 'broken' || type === '') return ''
  if (after === 'end') return type
  if (lexer.input[lexer.pos] !== '/') return ''
  lexer.pos++
  if (lexer.skip() !== 'more') return ''
  const broken = lexer.token() === 'broken'
  const subtype = lexer.take()
  return broken || subtype === '' || (!lexer.ended && lexer.input[lexer.pos] !== ';') ? '' : `${type}/${subtype}`
}
