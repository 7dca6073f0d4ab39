import { ExpandError } from './error.ts'

/**
 * POSIX extended regular expressions (the `~` of `%{if}`) over byte strings, run as a set of states: the time is bounded by
 * text times pattern whatever the pattern, so a user name cannot make an administrator's regular expression hang.
 * Error texts are those of the C library, which Dovecot shows.
 */
export interface PosixRegex {
  matches(text: string): boolean
}

export const REGEX_LIMITS = {
  /** States of one expression, repetitions written out. */
  states: 10_000,
  /** RE_DUP_MAX of the C library. */
  repeat: 32_767,
} as const

type Test = (byte: number) => boolean
type Assertion = (text: string, at: number) => boolean

type Tree =
  | { readonly kind: 'byte'; readonly test: Test }
  | { readonly kind: 'assert'; readonly test: Assertion }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Tree[] }
  | { readonly kind: 'repeat'; readonly part: Tree; readonly min: number; readonly max: number }

type State =
  | { readonly kind: 'byte'; readonly test: Test; readonly next: number }
  | { readonly kind: 'assert'; readonly test: Assertion; readonly next: number }
  | { readonly kind: 'split'; readonly next: readonly number[] }
  | { readonly kind: 'accept' }

/** Compiles a pattern, or throws ExpandError with the C library's text. */
export function compilePosixRegex(pattern: string): PosixRegex {
  const states: State[] = [{ kind: 'accept' }]
  const start = build(new PatternReader(pattern).read(), 0, states)
  return { matches: (text) => run(states, start, text) }
}

class PatternReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): Tree {
    return this.#choice(0)
  }

  #choice(depth: number): Tree {
    const parts = [this.#sequence(depth)]
    while (this.#take('|')) parts.push(this.#sequence(depth))
    return { kind: 'choice', parts }
  }

  #sequence(depth: number): Tree {
    const parts: Tree[] = []
    while (this.#at < this.#text.length) {
      const next = this.#text[this.#at]
      // An unmatched closing parenthesis is an ordinary character.
      if (next === '|' || (next === ')' && depth > 0)) break
      parts.push(this.#repeated(this.#atom(depth)))
    }
    return { kind: 'sequence', parts }
  }

  #repeated(atom: Tree): Tree {
    let tree = atom
    for (;;) {
      const [min, max] = this.#repetition()
      if (min < 0) return tree
      tree = { kind: 'repeat', part: tree, min, max }
    }
  }

  /** min is -1 when no repetition follows. */
  #repetition(): readonly [number, number] {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY]
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY]
    if (this.#take('?')) return [0, 1]
    return this.#take('{') ? this.#interval() : [-1, 0]
  }

  #interval(): readonly [number, number] {
    const interval = /(\d*)(,?)(\d*)\}/y
    interval.lastIndex = this.#at
    const [all, from, comma, to] = interval.exec(this.#text) ?? []
    if (all === undefined)
      throw regexError(this.#text.includes('}', this.#at) ? 'Invalid content of \\{\\}' : 'Unmatched \\{')
    this.#at += all.length
    const min = Number(from)
    const max = comma === '' ? min : to === '' ? Number.POSITIVE_INFINITY : Number(to)
    if ((from === '' && comma === '') || min > max) throw regexError('Invalid content of \\{\\}')
    if (min > REGEX_LIMITS.repeat || (Number.isFinite(max) && max > REGEX_LIMITS.repeat))
      throw regexError('Regular expression too big')
    return [min, max]
  }

  #atom(depth: number): Tree {
    const char = this.#text[this.#at] ?? ''
    this.#at += 1
    switch (char) {
      case '(':
        return this.#group(depth)
      case '[':
        return { kind: 'byte', test: this.#bracket() }
      case '.':
        return { kind: 'byte', test: () => true }
      case '^':
        return { kind: 'assert', test: (_text, at) => at === 0 }
      case '$':
        return { kind: 'assert', test: (text, at) => at === text.length }
      case '*':
      case '+':
      case '?':
      case '{':
        throw regexError('Invalid preceding regular expression')
      case '\\':
        return this.#escaped()
      default:
        return literal(char)
    }
  }

  #group(depth: number): Tree {
    if (depth >= 100) throw regexError('Regular expression too big')
    const tree = this.#choice(depth + 1)
    if (!this.#take(')')) throw regexError('Unmatched ( or \\(')
    return tree
  }

  #escaped(): Tree {
    const char = this.#text[this.#at]
    if (char === undefined) throw regexError('Trailing backslash')
    this.#at += 1
    if (/[1-9]/.test(char)) throw regexError('Invalid back reference')
    return gnuEscapes.get(char) ?? literal(char)
  }

  #bracket(): Test {
    const negated = this.#take('^')
    const tests: Test[] = []
    const start = this.#at
    while (this.#at === start || this.#text[this.#at] !== ']') tests.push(this.#bracketItem())
    this.#at += 1
    return (byte) => tests.some((test) => test(byte)) !== negated
  }

  #bracketItem(): Test {
    if (this.#text.startsWith('[:', this.#at)) return classTest(this.#named(':'))
    const from = this.#bracketByte()
    const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']'
    if (!isRange) return (byte) => byte === from
    this.#at += 1
    const to = this.#bracketByte()
    if (to < from) throw regexError('Invalid range end')
    return (byte) => byte >= from && byte <= to
  }

  #bracketByte(): number {
    const kind = /^\[([.=])/.exec(this.#text.slice(this.#at, this.#at + 2))?.[1]
    if (kind !== undefined) return collatingByte(this.#named(kind))
    const char = this.#text[this.#at]
    if (char === undefined) throw regexError(UNMATCHED_BRACKET)
    this.#at += 1
    return char.charCodeAt(0)
  }

  /** The text between `[:` and `:]`, `[.` and `.]`, `[=` and `=]`. */
  #named(mark: string): string {
    const end = this.#text.indexOf(`${mark}]`, this.#at + 2)
    if (end < 0) throw regexError(UNMATCHED_BRACKET)
    const name = this.#text.slice(this.#at + 2, end)
    this.#at = end + 2
    return name
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at += 1
    return true
  }
}

const UNMATCHED_BRACKET = 'Unmatched [, [^, [:, [., or [='

function regexError(text: string): ExpandError {
  return new ExpandError(`if: regex failed: ${text}`)
}

function literal(char: string): Tree {
  const code = char.charCodeAt(0)
  return { kind: 'byte', test: (byte) => byte === code }
}

function collatingByte(name: string): number {
  if (name.length !== 1) throw regexError('Invalid collation character')
  return name.charCodeAt(0)
}

const classes: ReadonlyMap<string, RegExp> = new Map([
  ['alpha', /[A-Za-z]/],
  ['digit', /[0-9]/],
  ['alnum', /[A-Za-z0-9]/],
  ['upper', /[A-Z]/],
  ['lower', /[a-z]/],
  ['space', /[ \t\n\v\f\r]/],
  ['blank', /[ \t]/],
  ['punct', /[!-/:-@[-`{-~]/],
  ['print', /[ -~]/],
  ['graph', /[!-~]/],
  ['cntrl', /[\x00-\x1f\x7f]/],
  ['xdigit', /[0-9A-Fa-f]/],
])

function classTest(name: string): Test {
  const regexp = classes.get(name)
  if (regexp === undefined) throw regexError('Invalid character class name')
  return (byte) => regexp.test(String.fromCharCode(byte))
}

const isWord = (byte: number): boolean => /\w/.test(String.fromCharCode(byte))
const isSpace = (byte: number): boolean => ' \t\n\v\f\r'.includes(String.fromCharCode(byte))
const wordBefore: Assertion = (text, at) => at > 0 && isWord(text.charCodeAt(at - 1))
const wordAfter: Assertion = (text, at) => at < text.length && isWord(text.charCodeAt(at))

const gnuEscapes: ReadonlyMap<string, Tree> = new Map<string, Tree>([
  ['w', { kind: 'byte', test: isWord }],
  ['W', { kind: 'byte', test: (byte) => !isWord(byte) }],
  ['s', { kind: 'byte', test: isSpace }],
  ['S', { kind: 'byte', test: (byte) => !isSpace(byte) }],
  ['b', { kind: 'assert', test: (text, at) => wordBefore(text, at) !== wordAfter(text, at) }],
  ['B', { kind: 'assert', test: (text, at) => wordBefore(text, at) === wordAfter(text, at) }],
  ['<', { kind: 'assert', test: (text, at) => !wordBefore(text, at) && wordAfter(text, at) }],
  ['>', { kind: 'assert', test: (text, at) => wordBefore(text, at) && !wordAfter(text, at) }],
  ['`', { kind: 'assert', test: (_text, at) => at === 0 }],
  ["'", { kind: 'assert', test: (text, at) => at === text.length }],
])

/** Adds the states of `tree` that lead to `next`, and returns the first of them. */
function build(tree: Tree, next: number, states: State[]): number {
  switch (tree.kind) {
    case 'byte':
    case 'assert':
      return add({ ...tree, next }, states)
    case 'sequence':
      return tree.parts.reduceRight((after, part) => build(part, after, states), next)
    case 'choice':
      return add({ kind: 'split', next: tree.parts.map((part) => build(part, next, states)) }, states)
    case 'repeat':
      return buildRepeat(tree.part, tree.min, tree.max, next, states)
  }
}

function buildRepeat(part: Tree, min: number, max: number, next: number, states: State[]): number {
  let first = next
  if (max === Number.POSITIVE_INFINITY) {
    const branches = [next]
    first = add({ kind: 'split', next: branches }, states)
    branches.push(build(part, first, states))
  } else {
    for (let i = min; i < max; i++) first = add({ kind: 'split', next: [next, build(part, first, states)] }, states)
  }
  for (let i = 0; i < min; i++) first = build(part, first, states)
  return first
}

function add(state: State, states: State[]): number {
  if (states.length >= REGEX_LIMITS.states) throw regexError('Regular expression too big')
  return states.push(state) - 1
}

function run(states: readonly State[], start: number, text: string): boolean {
  let current = new Set<number>()
  for (let at = 0; ; at++) {
    // The match may begin anywhere.
    follow(states, start, text, at, current)
    if (current.has(0)) return true
    if (at === text.length) return false
    const next = new Set<number>()
    for (const index of current) {
      const state = states[index]
      if (state?.kind === 'byte' && state.test(text.charCodeAt(at))) follow(states, state.next, text, at + 1, next)
    }
    current = next
  }
}

/** Adds a state and all that it reaches without reading a byte. */
function follow(states: readonly State[], from: number, text: string, at: number, reached: Set<number>): void {
  const pending = [from]
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    if (reached.has(index)) continue
    reached.add(index)
    const state = states[index]
    if (state?.kind === 'split') pending.push(...state.next)
    else if (state?.kind === 'assert' && state.test(text, at)) pending.push(state.next)
  }
}
