import { closeSync, openSync, readFileSync, readdirSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { hasCode } from './disk.ts'
import { adjustFile, makeDirectory, permissionsOf } from './permissions.ts'

// `dovecot-uidvalidity` holds the last UIDVALIDITY given under a root as eight hexadecimal digits; an empty file named
// `dovecot-uidvalidity.<the same>` is renamed to the next number by whoever takes it, which makes the numbers unique.

const NAME = 'dovecot-uidvalidity'
/** Others may take numbers at the same time; each attempt tries the next one. */
const ATTEMPTS = 10

let lastByClock = 0

/** A UIDVALIDITY that no mailbox under this root (or control root) has had, and never fails over it. */
export function nextUidValidity(root: string): number {
  const path = `${root}/${NAME}`
  try {
    const last = readLast(path)
    const next = last === undefined ? undefined : take(path, last)
    return next ?? takeFromFiles(path)
  } catch {
    return byClock()
  }
}

function readLast(path: string): number | undefined {
  try {
    const text = readFileSync(path, 'latin1').slice(0, 8)
    return /^[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined
  } catch {
    return undefined
  }
}

/** Renames the file of number `last`, or of those that others took since, to the next number. */
function take(path: string, last: number): number | undefined {
  for (let value = last; value < last + ATTEMPTS; value++) {
    try {
      renameSync(`${path}.${hex(value)}`, `${path}.${hex(value + 1)}`)
      write(path, value + 1)
      return value + 1
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }
  return undefined
}

function takeFromFiles(path: string): number {
  const values = numberedFiles(path)
  const highest = values.at(-1)
  if (highest === undefined) return create(path)
  for (const value of values.slice(0, -1)) unlinkSync(`${path}.${hex(value)}`)
  return take(path, highest) ?? byClock()
}

function numberedFiles(path: string): number[] {
  const root = dirname(path)
  try {
    return readdirSync(root)
      .map((name) => new RegExp(`^${basename(path)}\\.([0-9a-f]{8})$`).exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map((digits) => Number.parseInt(digits, 16))
      .sort((one, other) => one - other)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    makeDirectory(root, permissionsOf(dirname(root)))
    return []
  }
}

function create(path: string): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const value = byClock()
    try {
      closeSync(openSync(`${path}.${hex(value)}`, 'wx', 0o444))
      write(path, value)
      return value
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
  }
  return byClock()
}

/** The file is a hint where to start: in place, as Dovecot does. */
function write(path: string, value: number): void {
  const fd = openSync(path, openFlags(path), permissionsOf(dirname(path)).fileMode)
  try {
    writeSync(fd, hex(value), 0, 'latin1')
    adjustFile(fd, permissionsOf(dirname(path)))
  } finally {
    closeSync(fd)
  }
}

function openFlags(path: string): 'r+' | 'w' {
  return readLast(path) === undefined ? 'w' : 'r+'
}

function byClock(): number {
  lastByClock = Math.max(Math.floor(Date.now() / 1000), lastByClock + 1)
  return lastByClock
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
