import type { ConfigFiles } from '../files.ts'

const SYSTEM_WORDS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'No such file or directory'],
  ['EACCES', 'Permission denied'],
  ['EISDIR', 'Is a directory'],
  ['ENOTDIR', 'Not a directory'],
  ['ELOOP', 'Too many levels of symbolic links'],
  ['EMFILE', 'Too many open files'],
  ['EIO', 'Input/output error'],
])

/** A path as written in `file`, relative to that file's directory. */
export function joinPath(file: string, path: string): string {
  const slash = file.lastIndexOf('/')
  return path.startsWith('/') || slash < 0 ? path : file.slice(0, slash + 1) + path
}

/** The file as text: UTF-8, or Latin-1 when it is not that. Throws what `read` throws. */
export function readText(files: ConfigFiles, path: string): string {
  const content = files.read(path)
  if (typeof content === 'string') return content
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    return content.toString('latin1')
  }
}

/** What the system says about a file that could not be read, in the words of C programs. */
export function describeFileError(error: unknown): string {
  const code = codeOf(error)
  if (code !== undefined) return SYSTEM_WORDS.get(code) ?? code
  return error instanceof Error ? error.message : String(error)
}

export function isDirectoryError(error: unknown): boolean {
  return codeOf(error) === 'EISDIR'
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
