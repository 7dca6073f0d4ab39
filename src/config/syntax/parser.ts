// dovecot.conf to a tree. An include is textual: it may stand inside a section, and close it.
import type { Complaint, SourcePosition } from '../complaint.ts'
import type { ConfigFiles } from '../files.ts'
import { describeFileError, isDirectoryError, joinPath, readText } from './include.ts'
import { cleanLine, parseStatement, type Statement } from './line.ts'
import { isBareHeader, openingOf, tolerateOpening } from './tolerance.ts'
import type { ConfigNode, ConfigTree } from './tree.ts'

const PARSE_LIMITS = {
  /** Files read through includes, the same one counted each time. */
  includes: 10_000,
  /** Sections inside each other. */
  depth: 100,
} as const

interface Input {
  readonly path: string
  readonly lines: readonly string[]
  next: number
}

interface OpenSection {
  readonly type: string
  readonly name: string
  readonly body: ConfigNode[]
  readonly at: SourcePosition
}

/** Reads a configuration and everything it includes. What is wrong with it stands in the tree, in its place. */
export function parseConfig(path: string, text: string, files: ConfigFiles): ConfigTree {
  const parser = new Parser(path, text, files)
  return parser.run()
}

class Parser {
  readonly #files: ConfigFiles
  readonly #path: string
  readonly #inputs: Input[]
  readonly #nodes: ConfigNode[] = []
  readonly #sections: OpenSection[] = []
  #included = 0
  /** The lines so far of a statement that goes on; it survives the end of an included file. */
  #continued = ''
  #previousIsComment = false

  constructor(path: string, text: string, files: ConfigFiles) {
    this.#path = path
    this.#files = files
    this.#inputs = [{ path, lines: splitLines(text), next: 0 }]
  }

  run(): ConfigTree {
    for (let input = this.#inputs.at(-1); input !== undefined; input = this.#inputs.at(-1)) {
      const line = input.lines[input.next]
      if (line === undefined) this.#inputs.pop()
      else {
        input.next++
        this.#line(line, { file: input.path, line: input.next })
      }
    }
    const unclosed = this.#sections.at(-1)?.at
    while (this.#sections.length > 0) this.#close(undefined)
    return { path: this.#path, nodes: this.#nodes, unclosed }
  }

  #line(line: string, at: SourcePosition): void {
    const clean = cleanLine(line)
    if (clean.ambiguous) {
      const text = `Configuration file ${at.file} line ${at.line}: Ambiguous '#' character in line, treating it as comment. Add a space before it to remove this warning.`
      this.#complain({ severity: 'warning', text, at }, at)
    }
    if (clean.continues) {
      if (clean.text !== '') this.#continued += `${clean.text} `
      return
    }
    const afterComment = this.#previousIsComment
    this.#previousIsComment = clean.isComment
    const logical = this.#continued + clean.text
    this.#continued = ''
    // An empty line or a comment inside a continued statement makes Dovecot forget the statement.
    if (clean.text !== '') this.#statement(parseStatement(logical), at, afterComment)
  }

  #statement(statement: Statement, at: SourcePosition, afterComment: boolean): void {
    switch (statement.kind) {
      case 'assign':
        return void this.#body().push({ kind: 'assign', key: statement.key, value: statement.value, at })
      case 'open':
        // What is left of a configuration that goes deeper would not be understood.
        if (this.#sections.length >= PARSE_LIMITS.depth) return this.#error('Sections are nested too deeply', at)
        return void this.#sections.push({ type: statement.type, name: statement.name, body: [], at })
      case 'close':
        if (this.#sections.length === 0) return this.#error("Unexpected '}'", at)
        return this.#close(at)
      case 'include':
        return this.#include(statement.pattern, statement.optional, at)
      case 'junk':
        return this.#junk(statement.text, statement.error, at, afterComment)
    }
  }

  #close(end: SourcePosition | undefined): void {
    const section = this.#sections.pop()
    if (section !== undefined) this.#body().push({ kind: 'section', ...section, end })
  }

  #junk(text: string, error: string, at: SourcePosition, afterComment: boolean): void {
    const tolerated = tolerateOpening(text)
    if (tolerated !== undefined) {
      this.#tolerate(tolerated.severity, tolerated.why, error, at)
      for (const statement of tolerated.statements) this.#statement(statement, at, false)
    } else if (afterComment && /^[^{}=]*$/.test(text)) {
      this.#tolerate('warning', `Taking '${text}' for the rest of the comment above`, error, at)
    } else if (isBareHeader(text) && this.#takeBrace()) {
      this.#tolerate('warning', "'{' belongs on the same line", error, at)
      this.#statement(openingOf(text), at, false)
    } else {
      this.#error(error, at)
    }
  }

  /** Consumes a line that is only `{`, if that is what comes next. */
  #takeBrace(): boolean {
    const input = this.#inputs.at(-1)
    if (input === undefined) return false
    for (let index = input.next; index < input.lines.length; index++) {
      const clean = cleanLine(input.lines[index] ?? '')
      if (clean.text === '' && !clean.continues) continue
      if (clean.text !== '{' || clean.continues) return false
      input.next = index + 1
      return true
    }
    return false
  }

  #include(pattern: string, optional: boolean, at: SourcePosition): void {
    const paths = this.#files.glob(joinPath(at.file, pattern))
    if (paths.length === 0 && !optional) return this.#error('No matches', at)
    const inputs: Input[] = []
    for (const path of paths) {
      if (this.#inputs.some((input) => input.path === path)) this.#error(`Recursive include file: ${path}`, at)
      else if (++this.#included > PARSE_LIMITS.includes) return this.#error('Too many included files', at)
      else inputs.push(...this.#openInclude(path, optional, at))
    }
    this.#inputs.push(...inputs.toReversed())
  }

  #openInclude(path: string, optional: boolean, at: SourcePosition): readonly Input[] {
    try {
      return [{ path, lines: splitLines(readText(this.#files, path)), next: 0 }]
    } catch (error) {
      // Dovecot opens a directory and reads nothing from it.
      if (!optional && !isDirectoryError(error))
        this.#error(`Couldn't open include file ${path}: ${describeFileError(error)}`, at)
      return []
    }
  }

  #body(): ConfigNode[] {
    return this.#sections.at(-1)?.body ?? this.#nodes
  }

  #error(text: string, at: SourcePosition): void {
    this.#complain({ severity: 'error', text, at }, at)
  }

  #tolerate(severity: 'info' | 'warning', text: string, strictError: string, at: SourcePosition): void {
    this.#body().push({ kind: 'complaint', complaint: { severity, text, at }, strictError, at })
  }

  #complain(complaint: Complaint, at: SourcePosition): void {
    this.#body().push({ kind: 'complaint', complaint, at })
  }
}

function splitLines(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  if (lines.at(-1) === '') lines.pop()
  // Dovecot's lines are C strings: they end at a NUL.
  return lines.map((line) => line.split('\0', 1)[0] ?? '')
}
