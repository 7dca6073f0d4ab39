import { statSync, watch, type FSWatcher } from 'node:fs'

/** Where the system cannot watch (no inotify left, NFS), directories are looked at this often. */
const POLL_MS = 5_000

/** Calls `listener` soon after names in one of the directories changed. Returns what stops it. */
export function watchDirectories(
  directories: readonly string[],
  listener: () => void,
  pollMs: number = POLL_MS,
): () => void {
  const stops: (() => void)[] = []
  let told = false
  const tell = (): void => {
    if (told) return
    told = true
    // Many changes come together.
    setImmediate(() => {
      told = false
      if (stops.length > 0) listener()
    })
  }
  for (const directory of directories) stops.push(watchOne(directory, tell, pollMs))
  return () => {
    for (const stop of stops.splice(0)) stop()
  }
}

function watchOne(directory: string, tell: () => void, pollMs: number): () => void {
  let stop = (): void => undefined
  const fallBack = (): void => {
    stop()
    stop = poll(directory, tell, pollMs)
  }
  try {
    const watcher: FSWatcher = watch(directory, { persistent: false }, tell)
    stop = () => watcher.close()
    watcher.on('error', fallBack)
  } catch {
    fallBack()
  }
  return () => stop()
}

function poll(directory: string, tell: () => void, pollMs: number): () => void {
  let last = mtime(directory)
  const timer = setInterval(() => {
    const now = mtime(directory)
    if (now !== last) tell()
    last = now
  }, pollMs)
  timer.unref()
  return () => clearInterval(timer)
}

function mtime(directory: string): number {
  return statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
