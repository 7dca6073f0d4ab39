// One logical line of dovecot.conf. Only space and tab are blanks; everything here works on text without its line end.

/** How a value is written: as text, as the name of a file that holds it, or as words of which some are `$names`. */
export interface RawValue {
  readonly form: 'text' | 'file' | 'variables'
  readonly text: string
}

export type Statement =
  | { readonly kind: 'assign'; readonly key: string; readonly value: RawValue }
  | { readonly kind: 'open'; readonly type: string; readonly name: string }
  | { readonly kind: 'close' }
  | { readonly kind: 'include'; readonly pattern: string; readonly optional: boolean }
  /** A line that is none of the above. `error` is what Dovecot says about it. */
  | { readonly kind: 'junk'; readonly error: string; readonly text: string }

/** A physical line without its comment and outer blanks. */
export interface CleanLine {
  /** Empty for a blank line and for a line that is only a comment. */
  readonly text: string
  readonly isComment: boolean
  /** The comment follows a character that is not a blank: possibly a value with an unquoted `#`. */
  readonly ambiguous: boolean
  /** A backslash at the end, already removed, asks for the next line. */
  readonly continues: boolean
}

/** Removes comment and outer blanks from a physical line. `#` inside quotes starts no comment. */
export function cleanLine(line: string): CleanLine {
  const text = trimBlanks(line)
  if (text === '' || text.startsWith('#')) {
    return { text: '', isComment: text !== '', ambiguous: false, continues: false }
  }
  const comment = findComment(text)
  const code = comment === undefined ? text : trimBlanks(text.slice(0, comment))
  const ambiguous = comment !== undefined && !isBlank(text[comment - 1])
  if (!code.endsWith('\\')) return { text: code, isComment: false, ambiguous, continues: false }
  return { text: trimBlanks(code.slice(0, -1)), isComment: false, ambiguous, continues: true }
}

/** Reads a logical line that is not empty. */
export function parseStatement(line: string): Statement {
  const [, key = '', rest = ''] = /^([^ \t=]*)[ \t]*(.*)$/s.exec(line) ?? []
  if (key === '!include' || key === '!include_try') {
    return { kind: 'include', pattern: rest, optional: key === '!include_try' }
  }
  if (rest.startsWith('=')) {
    return { kind: 'assign', key, value: parseValue(trimBlanks(rest.slice(1))) }
  }
  if (key === '}' && rest === '') return { kind: 'close' }
  return parseOpening(line, key, rest)
}

/** Reads what stands right of `=`. */
export function parseValue(text: string): RawValue {
  if (text.startsWith('<')) return { form: 'file', text: trimBlanks(text.slice(1)) }
  const quote = text[0]
  if (quote !== '"' && quote !== "'") return { form: text.includes('$') ? 'variables' : 'text', text }
  // Only the first and the last character decide: `"a" "b"` is one value, a" "b; a lone quote is both, and is empty.
  if (!text.endsWith(quote)) return { form: 'text', text }
  return { form: 'text', text: unescape(text.slice(1, -1)) }
}

/** Space and tab are the only blanks. */
export function trimBlanks(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

/** Takes the backslash away from every escaped character; a backslash at the very end stays away. */
export function unescape(text: string): string {
  return text.replace(/\\(.?)/gs, '$1')
}

function parseOpening(line: string, type: string, rest: string): Statement {
  const name = parseSectionName(rest)
  if (name === undefined || !name.after.startsWith('{')) return junk(line, "Expecting '{'")
  if (name.after !== '{') return junk(line, "Garbage after '{'")
  return { kind: 'open', type, name: name.name }
}

function parseSectionName(rest: string): { name: string; after: string } | undefined {
  if (rest.startsWith('{')) return { name: '', after: rest }
  const [, quoted, bare, after] = /^(?:"([^"]*)"|([^" \t][^ \t]*))[ \t]*(.*)$/s.exec(rest) ?? []
  if (after === undefined) return undefined
  return { name: quoted === undefined ? (bare ?? '') : unescape(quoted), after }
}

function findComment(text: string): number | undefined {
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (character === '#') return index
    if (character === '"' || character === "'") {
      const end = skipQuoted(text, index)
      // An unterminated quote switches the search off for the rest of the line.
      if (end === undefined) return undefined
      index = end
    }
  }
  return undefined
}

/** The index of the closing quote. */
function skipQuoted(text: string, start: number): number | undefined {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === text[start]) return index
    if (text[index] === '\\') index++
  }
  return undefined
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

function junk(text: string, error: string): Statement {
  return { kind: 'junk', text, error }
}
