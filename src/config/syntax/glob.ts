/** What a pattern is matched against. */
export interface Directories {
  /** Names in a directory; undefined when there is no such directory. */
  list(path: string): readonly string[] | undefined
  exists(path: string): boolean
}

const GLOB_LIMITS = {
  /** Alternatives that the braces of one pattern may stand for. */
  alternatives: 1000,
} as const

/** Paths that match a shell pattern, as glob(3) with braces finds them: each alternative of the braces sorted by itself. */
export function expandGlob(pattern: string, directories: Directories): readonly string[] {
  return expandBraces(pattern)
    .slice(0, GLOB_LIMITS.alternatives)
    .flatMap((alternative) => matchPath(alternative, directories).toSorted(compareBytes))
}

function matchPath(pattern: string, directories: Directories): readonly string[] {
  let paths: readonly string[] = [pattern.startsWith('/') ? '/' : '']
  const segments = pattern.split('/').filter((segment) => segment !== '')
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1
    paths = paths.flatMap((path) =>
      matchSegment(path, segment, directories).map((found) => (last ? found : `${found}/`)),
    )
  }
  if (!pattern.endsWith('/')) return paths
  return paths.filter((path) => directories.list(path) !== undefined).map((path) => `${path}/`.replace(/\/+$/, '/'))
}

function matchSegment(path: string, segment: string, directories: Directories): readonly string[] {
  if (!/[*?[\\]/.test(segment)) return directories.exists(path + segment) ? [path + segment] : []
  const pattern = segmentPattern(segment)
  const names = directories.list(path === '' ? '.' : path) ?? []
  const visible = names.filter((name) => !name.startsWith('.') || segment.startsWith('.'))
  return visible.filter((name) => pattern.test(name)).map((name) => path + name)
}

function segmentPattern(segment: string): RegExp {
  const source = segment.replace(/\\(.)|\[(!?)([^\]]+)\]|([*?])|([^*?[\\]+|.)/gs, (...match) => {
    const [, escaped, negated, set, wildcard, literal] = match as (string | undefined)[]
    if (set !== undefined) return `[${negated === '!' ? '^' : ''}${set.replace(/[\\\]^]/g, '\\$&')}]`
    if (wildcard !== undefined) return wildcard === '*' ? '.*' : '.'
    return (escaped ?? literal ?? '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${source}$`, 's')
}

/** `a{b,c{d,e}}f` to its alternatives, in the order they are written. `{}` and unclosed braces stay as they are. */
function expandBraces(pattern: string): readonly string[] {
  const start = pattern.search(/\{(?!\})/)
  const parts = start < 0 ? undefined : splitAlternatives(pattern, start)
  if (parts === undefined) return [pattern]
  const results: string[] = []
  for (const alternative of parts.alternatives) {
    if (results.length >= GLOB_LIMITS.alternatives) break
    results.push(...expandBraces(pattern.slice(0, start) + alternative + pattern.slice(parts.end)))
  }
  return results
}

function splitAlternatives(
  pattern: string,
  start: number,
): { readonly alternatives: readonly string[]; readonly end: number } | undefined {
  const alternatives: string[] = []
  let [depth, from] = [0, start + 1]
  for (let index = start; index < pattern.length; index++) {
    const character = pattern[index]
    if (character === '{') depth++
    else if (character === '}') depth--
    if (depth === 0 || (depth === 1 && character === ',')) {
      alternatives.push(pattern.slice(from, index))
      from = index + 1
    }
    if (depth === 0) return { alternatives, end: from }
  }
  return undefined
}

function compareBytes(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
