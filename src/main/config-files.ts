import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import type { ConfigFiles } from '../config/config.ts'
import { expandGlob } from '../config/syntax/glob.ts'

/** How long a host name in a configuration may take to resolve; Dovecot waits as long. */
const RESOLVE_TIMEOUT_MS = 30_000

/** The files, users and host names of this machine. */
export function systemFiles(): ConfigFiles {
  return {
    read: (path) => readFileSync(path),
    glob: (pattern) => expandGlob(pattern, { list: listDirectory, exists }),
    userExists: (name) => lookup('passwd', name) !== undefined,
    resolveHost: (name) => (name === '' || name.startsWith('-') ? [] : addressesOf(lookup('ahosts', name))),
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function listDirectory(path: string): readonly string[] | undefined {
  try {
    return readdirSync(path)
  } catch {
    return undefined
  }
}

/** Asks the name service switch, as C programs do; a configuration is read too seldom for a process to matter. */
function lookup(database: 'passwd' | 'ahosts', key: string): string | undefined {
  if (database === 'passwd' && !existsSync('/usr/bin/getent')) return lookupInPasswd(key)
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as const
    return execFileSync('getent', [database, '--', key], {
      encoding: 'utf8',
      stdio: [...stdio],
      timeout: RESOLVE_TIMEOUT_MS,
    })
  } catch {
    return undefined
  }
}

function lookupInPasswd(name: string): string | undefined {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
  } catch {
    // Nobody can tell: better no complaint than a wrong one.
    return name
  }
}

function addressesOf(output: string | undefined): readonly string[] {
  const addresses = (output ?? '').split('\n').map((line) => line.split(' ', 1)[0] ?? '')
  return [...new Set(addresses.filter((address) => address !== ''))]
}
