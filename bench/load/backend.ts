import { launch } from '../processes.ts'
import { lineReader } from './lines.ts'

/** Where the fake backend listens on 127.0.0.1. */
export interface BackendPorts {
  readonly imap: number
  readonly pop3: number
  readonly lmtp: number
  /** Answers nginx's auth_http requests. */
  readonly auth_http: number
}

export interface Backend {
  readonly ports: BackendPorts
  readonly stop: () => Promise<void>
}

const START_MS = 5000

/** Starts the fake backend (bench/c/backend.c). */
export async function startBackend(binary: string): Promise<Backend> {
  const own = await launch(binary, [], { output: 'pipe' })
  if (own.child.stdout === null) throw new Error('the backend has no standard output')
  const ports: BackendPorts = JSON.parse(await lineReader(own.child.stdout)(START_MS))
  return { ports, stop: own.stop }
}
