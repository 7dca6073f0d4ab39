import { readdirSync, renameSync, type Stats } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { hasCode, pathOf } from './disk.ts'
import { baseOf, NO_FLAGS } from './file-name.ts'

/** A file found in `cur` or `new`. */
export interface FoundFile {
  readonly base: string
  readonly info: string
  readonly isNew: boolean
  /** It was moved from `new` to `cur` just now. */
  readonly moved: boolean
}

/** Directories larger than this are read by a thread: they would hold everybody else up. About 500 names on ext4. */
export const LARGE_DIRECTORY_BYTES = 64 * 1024
/** Renames between two turns of the event loop. */
const MOVES_A_TURN = 128

/** Names of the message files in a directory, as latin1. `stat` is the directory's. */
export async function fileNames(directory: string, stat: Stats): Promise<readonly string[]> {
  const names =
    stat.size > LARGE_DIRECTORY_BYTES
      ? await readdir(directory, { encoding: 'latin1' })
      : readdirSync(directory, { encoding: 'latin1' })
  return names.filter(isMessage)
}

/** As `fileNames`, in one piece: for looking up one file. */
export function fileNamesNow(directory: string): readonly string[] {
  return readdirSync(directory, { encoding: 'latin1' }).filter(isMessage)
}

/** Hidden files are none, and a line end in a name would break the uidlist. */
function isMessage(name: string): boolean {
  return name.charCodeAt(0) !== 46 && !name.includes('\n') && !name.includes('\r')
}

export function foundFile(name: string, isNew: boolean): FoundFile {
  const base = baseOf(name)
  return { base, info: known(name.slice(base.length)), isNew, moved: false }
}

/** The info found last: most files have one of a few, and need not all keep a copy. */
let lastInfos: readonly [string, string] = ['', '']

function known(info: string): string {
  const [last, before] = lastInfos
  if (info === last) return last
  if (info !== before) {
    lastInfos = [info, last]
    return info
  }
  return before
}

/**
 * Moves files from `new` to `cur`, as every session that may change the mailbox does. Resolves with all that are still
 * there, moved or not; what somebody else moved is found in `cur`.
 */
export async function moveNewFiles(mail: string, names: readonly string[]): Promise<FoundFile[]> {
  const found: FoundFile[] = []
  let possible = true
  for (const [index, name] of names.entries()) {
    if (index % MOVES_A_TURN === MOVES_A_TURN - 1) await yieldToOthers()
    const file = foundFile(name, true)
    const outcome = possible ? moveToCur(mail, file) : 'stays'
    if (outcome === 'stays') possible = false
    if (outcome !== 'gone') found.push(outcome === 'stays' ? file : outcome)
  }
  return found
}

function moveToCur(mail: string, file: FoundFile): FoundFile | 'gone' | 'stays' {
  const info = file.info === '' ? NO_FLAGS : file.info
  try {
    renameSync(pathOf(`${mail}/new`, file.base + file.info), pathOf(`${mail}/cur`, file.base + info))
    return { base: file.base, info, isNew: false, moved: true }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'gone'
    // No space, no quota, no permission: it can be read where it is.
    return 'stays'
  }
}
