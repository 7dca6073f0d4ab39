import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { readRevocation, type Revocation } from '../auth/revocations.ts'

/** Where revocations outlive the server. */
export function revocationPath({ state_dir: dir }: { readonly state_dir: string }): string {
  return resolve(dir, 'postern-revoked.json')
}

/** Reads the file; without one nobody is revoked. Throws when it cannot be read or makes no sense. */
export function readRevocationFile(path: string): readonly Revocation[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  const values: unknown = JSON.parse(text)
  if (!Array.isArray(values)) throw new Error(`${path} holds no list`)
  return values.map((value) => {
    const entry = readRevocation(value)
    if (entry === undefined) throw new Error(`${path} holds something that is no revocation`)
    return entry
  })
}

/** Keeps a file that makes no sense for somebody to look at, where it is not overwritten. Returns its new name, if it has one. */
export function setAside(path: string): string | undefined {
  try {
    renameSync(path, `${path}.broken`)
    return `${path}.broken`
  } catch {
    return undefined
  }
}

/** Replaces the file; a crash leaves the old one or the new one. Throws when that is not possible. */
export function writeRevocationFile(path: string, entries: readonly Revocation[]): void {
  mkdirSync(dirname(path), { recursive: true })
  const fresh = `${path}.${process.pid}.new`
  const file = openSync(fresh, 'w', 0o600)
  try {
    writeSync(file, `${JSON.stringify(entries)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(fresh, path)
}
