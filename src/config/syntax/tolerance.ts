// Ways of writing a section that Dovecot refuses but that dumps of wiki pages and hand-made files are full of.
import { parseStatement, type Statement, trimBlanks } from './line.ts'

/** Statements that a refused line stands for, and what to tell about it. */
export interface Tolerated {
  readonly statements: readonly Statement[]
  readonly severity: 'info' | 'warning'
  readonly why: string
}

const HEADER = /^([a-z_]+)(?:[ \t]+("[^"]*"|[^" \t{}=]+))?[ \t]*$/

/** A section on one line, such as `plugin { acl = vfile }`, or one whose `{` has no blank before it. */
export function tolerateOpening(text: string): Tolerated | undefined {
  const brace = text.indexOf('{')
  if (brace < 0 || !HEADER.test(text.slice(0, brace))) return undefined
  const opening = parseStatement(`${trimBlanks(text.slice(0, brace))} {`)
  if (opening.kind !== 'open') return undefined
  const rest = trimBlanks(text.slice(brace + 1))
  if (rest === '') return { statements: [opening], severity: 'warning', why: "A blank is missing before '{'" }
  const body = bodyOf(rest)
  if (body === undefined) return undefined
  return { statements: [opening, ...body, { kind: 'close' }], severity: 'info', why: 'A whole section on one line' }
}

/** `type [name]` alone on its line, whose `{` may follow on the next one. */
export function isBareHeader(text: string): boolean {
  return HEADER.test(text)
}

/** The opening that a bare header and the `{` below it make. */
export function openingOf(header: string): Statement {
  return parseStatement(`${header} {`)
}

/** The statements between `{` and the `}` that ends the line: at most one setting, or one section. */
function bodyOf(rest: string): readonly Statement[] | undefined {
  if (rest === '}') return []
  if (!/[ \t]\}$/.test(rest)) return undefined
  const body = trimBlanks(rest.slice(0, -1))
  const statement = parseStatement(body)
  if (statement.kind === 'junk') return tolerateOpening(body)?.statements
  // With two settings on the line nobody can tell where the first one ends.
  if (statement.kind !== 'assign' || holdsAnotherSetting(statement.value.text)) return undefined
  return [statement]
}

function holdsAnotherSetting(value: string): boolean {
  return /(^|[ \t])[a-z][a-z0-9_]*[ \t]+=[ \t]/.test(value) || /[ \t][{}]([ \t]|$)/.test(value)
}
