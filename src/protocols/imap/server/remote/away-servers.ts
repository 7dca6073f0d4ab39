import { LRUCache } from 'lru-cache'
import { REMOTE_LIMITS } from './limits.ts'

/** Servers that could not be reached lately, for all sessions of the process: a LIST need not wait for them again. */
const away = new LRUCache<string, true>({ max: 1_000, ttl: REMOTE_LIMITS.listPauseMs })

export function isAway(server: string): boolean {
  return away.has(server)
}

export function noteAway(server: string): void {
  away.set(server, true)
}

/** Somebody got through. */
export function noteBack(server: string): void {
  away.delete(server)
}
