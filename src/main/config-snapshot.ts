import type { ConfigFiles } from '../config/files.ts'

/** Everything one loading of a configuration read: paths to bytes, or to the error code that reading gave. */
export interface FileSnapshot {
  readonly files: Map<string, Buffer | { readonly code: string; readonly message: string }>
  readonly globs: Map<string, readonly string[]>
  readonly users: Map<string, boolean>
  readonly hosts: Map<string, readonly string[]>
}

/** Reads through to `files` and remembers what it read. */
export function recordFiles(files: ConfigFiles): { files: ConfigFiles; snapshot: FileSnapshot } {
  const snapshot: FileSnapshot = { files: new Map(), globs: new Map(), users: new Map(), hosts: new Map() }
  return { snapshot, files: { ...throughSnapshot(snapshot, files) } }
}

/** Answers from the snapshot; what it does not have is read from `files` and remembered. */
export function throughSnapshot(snapshot: FileSnapshot, files: ConfigFiles): ConfigFiles {
  return {
    read(path) {
      const known = snapshot.files.get(path) ?? readOnce(snapshot, files, path)
      if (Buffer.isBuffer(known)) return known
      // Structured clones of Buffers arrive as Uint8Array.
      if (known instanceof Uint8Array) return Buffer.from(known)
      throw Object.assign(new Error(known.message), { code: known.code })
    },
    glob: (pattern) => remember(snapshot.globs, pattern, () => files.glob(pattern)),
    userExists: (name) => remember(snapshot.users, name, () => files.userExists?.(name) ?? true),
    resolveHost: (name) => remember(snapshot.hosts, name, () => files.resolveHost?.(name) ?? []),
  }
}

function readOnce(
  snapshot: FileSnapshot,
  files: ConfigFiles,
  path: string,
): Buffer | { code: string; message: string } {
  const result = attemptRead(files, path)
  snapshot.files.set(path, result)
  return result
}

function attemptRead(files: ConfigFiles, path: string): Buffer | { code: string; message: string } {
  try {
    const content = files.read(path)
    return typeof content === 'string' ? Buffer.from(content) : content
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
    return { code, message: error instanceof Error ? error.message : String(error) }
  }
}

function remember<Value>(known: Map<string, Value>, key: string, find: () => Value): Value {
  const old = known.get(key)
  if (old !== undefined) return old
  const value = find()
  known.set(key, value)
  return value
}
