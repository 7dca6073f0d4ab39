import type { FieldLexer } from './lexer.ts'
import { MESSAGE_LIMITS } from './limits.ts'

export interface Parameter {
  readonly name: string
  readonly value: string
}

interface Section extends Parameter {
  readonly index: number
  readonly extended: boolean
}

const SEMICOLON = 0x3b
const EQUALS = 0x3d
const QUOTE = 0x22

/**
 * `; name=value` of RFC 2045, continued values of RFC 2231 section 3 joined (`name*0`, `name*1*` become `name*`), as many as
 * MESSAGE_LIMITS.parameters. What cannot be read is skipped. Joined ones come last, sorted by name.
 */
export function readParameters(lexer: FieldLexer): Parameter[] {
  const plain: Parameter[] = []
  const sections: Section[] = []
  while (!lexer.ended && plain.length + sections.length < MESSAGE_LIMITS.parameters) {
    const parameter = readParameter(lexer)
    if (parameter === undefined) {
      if (!lexer.ended) lexer.pos++
      continue
    }
    const section = sectionOf(parameter)
    if (section === undefined) plain.push(parameter)
    else sections.push(section)
  }
  return sections.length === 0 ? plain : [...plain, ...joinSections(sections)]
}

function readParameter(lexer: FieldLexer): Parameter | undefined {
  if (lexer.code() !== SEMICOLON) return undefined
  lexer.pos++
  if (lexer.skip() !== 'more') return undefined
  const after = lexer.token()
  const name = lexer.take()
  if (after !== 'more' || lexer.code() !== EQUALS) return undefined
  lexer.pos++
  const outcome = lexer.skip() === 'more' ? readValue(lexer) : 'end'
  const value = lexer.take()
  return outcome === 'broken' ? undefined : { name, value }
}

function readValue(lexer: FieldLexer): 'end' | 'more' | 'broken' {
  if (lexer.code() === QUOTE) return lexer.quotedString()
  if (lexer.code() !== EQUALS) return lexer.token()
  // name==?utf-8?b?...?= is wrong, and common.
  const end = lexer.input.slice(lexer.pos).search(/[; \t\r\n]/)
  const stop = end === -1 ? lexer.input.length : lexer.pos + end
  lexer.text += lexer.input.slice(lexer.pos, stop)
  lexer.pos = stop
  return 'more'
}

function sectionOf({ name, value }: Parameter): Section | undefined {
  const star = name.indexOf('*')
  if (star === -1) return undefined
  const suffix = /^\*(\d*)(\*?)$/.exec(name.slice(star))
  if (suffix === null) return undefined
  const numbered = suffix[1] !== ''
  if (!numbered && suffix[2] === '*') return { name: name.slice(0, star), value, index: 0, extended: true }
  // The C arithmetic of an index too large for anybody.
  const index = numbered ? Number(BigInt.asUintN(32, BigInt(suffix[1] ?? '0'))) : 0
  return { name: name.slice(0, star), value, index, extended: !numbered || suffix[2] === '*' }
}

function joinSections(sections: Section[]): Parameter[] {
  sections.sort((one, other) => compare(one.name, other.name) || one.index - other.index)
  const joined: Parameter[] = []
  for (let from = 0; from < sections.length; ) {
    const name = sections[from]?.name.toLowerCase()
    let to = from + 1
    while (sections[to]?.name.toLowerCase() === name) to++
    joined.push(...joinRun(sections.slice(from, to)))
    from = to
  }
  return joined
}

/** Sections of one name, sorted: one parameter when all are there, else each under the name it came with. */
function joinRun(run: readonly Section[]): Parameter[] {
  const first = run[0]
  if (first === undefined) return []
  if (run.some(({ index }, position) => index !== position)) {
    return run.map(({ name, value, index, extended }) => ({ name: `${name}*${index}${extended ? '*' : ''}`, value }))
  }
  const extended = run.some((section) => section.extended)
  const prefix = extended && !first.extended ? "''" : ''
  const value = run
    .map((part) => (extended && !part.extended ? part.value.replaceAll('%', '%25') : part.value))
    .join('')
  return [{ name: extended ? `${first.name}*` : first.name, value: prefix + value }]
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
