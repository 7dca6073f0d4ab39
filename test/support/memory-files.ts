import type { ConfigFiles } from '../../src/config/config.ts'
import { expandGlob } from '../../src/config/syntax/glob.ts'

/** Configuration files that exist only in a test: paths to contents. Other paths fail as a missing file does. */
export function memoryFiles(
  contents: Readonly<Record<string, string | Buffer>>,
  rest: Partial<ConfigFiles> = {},
): ConfigFiles {
  const files = new Map(Object.entries(contents))
  return {
    read(path) {
      const content = files.get(path)
      if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
      return content
    },
    glob: (pattern) =>
      expandGlob(pattern, { list: (path) => namesIn(files, path), exists: (path) => isThere(files, path) }),
    ...rest,
  }
}

function namesIn(files: ReadonlyMap<string, unknown>, path: string): readonly string[] | undefined {
  const prefix = path === '.' || path === '' ? '' : `${path.replace(/\/+$/, '')}/`
  const below = [...files.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  return below.length === 0 ? undefined : [...new Set(below.map((name) => name.split('/', 1)[0] ?? ''))]
}

function isThere(files: ReadonlyMap<string, unknown>, path: string): boolean {
  return files.has(path) || [...files.keys()].some((name) => name.startsWith(`${path}/`))
}
