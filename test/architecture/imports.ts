import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** One source file under src/, paths relative to it, with `/`. */
export interface Source {
  readonly path: string
  readonly text: string
  readonly lines: number
  readonly imports: readonly Import[]
}

export interface Import {
  readonly line: number
  /** Relative to src/ for our own files; as written for packages. */
  readonly target: string
  readonly own: boolean
  readonly typeOnly: boolean
}

const STATIC = /^(?:import|export)\s+(type\s+)?(?:[\w*{},\s]|\bas\b)*?\s*from\s*'([^']+)'|^import\s+()'([^']+)'/gm
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g

/** Every .ts file under `root`, without tests. */
export function readSources(root: string): Source[] {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  return files.toSorted().map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path, text, lines: text.split('\n').length - 1, imports: parseImports(path, text) }
  })
}

/** The import lines of a source text. `path` is its own, relative to src/. */
export function parseImports(path: string, text: string): Import[] {
  const found: Import[] = []
  const add = (specifier: string, index: number, typeOnly: boolean): void => {
    const own = specifier.startsWith('.')
    const target = own ? join(dirname(path), specifier) : specifier
    found.push({ line: text.slice(0, index).split('\n').length, target, own, typeOnly })
  }
  for (const match of text.matchAll(STATIC)) add(match[2] ?? match[4] ?? '', match.index, match[1] !== undefined)
  for (const match of text.matchAll(DYNAMIC)) add(match[1] ?? '', match.index, false)
  return found
}
