import { readdirSync, statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { QuotaAmount } from '../../quota-hook.ts'
import { hasCode } from './disk.ts'
import { sizeInName } from './file-name.ts'

/** Files looked at before others have their turn. */
const BATCH = 500

/** What the files of a Maildir hold, as they are stored: `S=` of their names, else what the disk says. */
export async function storedAmountIn(directory: string): Promise<QuotaAmount> {
  let [messages, sizeBytes] = [0, 0]
  for (const part of ['new', 'cur']) {
    const names = namesIn(`${directory}/${part}`)
    for (const [at, name] of names.entries()) {
      if (at % BATCH === BATCH - 1) await setImmediate()
      if (name.startsWith('.')) continue
      const size = sizeInName(name, 'S') ?? sizeOf(`${directory}/${part}/${name}`)
      if (size === undefined) continue
      messages += 1
      sizeBytes += size
    }
  }
  return { messages, sizeBytes, storedBytes: sizeBytes }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path, 'latin1')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false })?.size
}
