import { RenewedMap } from '../util/renewed-map.ts'

/** Clients are cut in batches this far apart. */
const INTERVAL_MS = 100
/** The setting may be endless; timers are not. */
const LONGEST_DELAY_MS = 24 * 3_600_000

export interface DisconnectClock {
  now(): number
  after(ms: number, run: () => void): unknown
  /** 0 up to, but without, 1. */
  random(): number
}

const SYSTEM: DisconnectClock = {
  now: () => performance.now(),
  after: (ms, run) => setTimeout(run, ms),
  random: Math.random,
}

/** A backend, as clients lose it one after the other. */
interface Wave {
  readonly startMs: number
  /** The most sessions with the backend while it lasts. */
  sessions: number
  lost: number
  waiting: number
}

/**
 * Spreads the closing of clients whose backend went away over `login_proxy_max_disconnect_delay`, so that they do not all
 * come back at once. Per process and backend: of N sessions over D seconds about N/D are cut at once, and the i-th at
 * i*D/N seconds, rounded down to 100 ms, behind a start of up to 100 ms that differs from process to process. A backend
 * that loses sessions one by one, as users log out, delays nobody: their times have passed when they come.
 */
export class DisconnectDelay {
  readonly #maxDelayMs: number
  readonly #clock: DisconnectClock
  readonly #sessions = new RenewedMap<number>()
  readonly #waves = new Map<string, Wave>()
  readonly #batches = new Map<number, (() => void)[]>()

  /** 0 switches it off. */
  constructor(maxDelayMs: number, clock: DisconnectClock = SYSTEM) {
    this.#maxDelayMs = Math.min(maxDelayMs, LONGEST_DELAY_MS)
    this.#clock = clock
  }

  /** A session with this backend (`IP:PORT`) begins. */
  opened(backend: string): void {
    this.#sessions.set(backend, (this.#sessions.get(backend) ?? 0) + 1)
  }

  /** It is over, however it ended; call it once, after `delay` where that was asked. */
  closed(backend: string): void {
    const left = (this.#sessions.get(backend) ?? 0) - 1
    if (left > 0) this.#sessions.set(backend, left)
    else {
      this.#sessions.delete(backend)
      if (this.#waves.get(backend)?.waiting === 0) this.#waves.delete(backend)
    }
  }

  /** The backend closed a session, or it was kicked: milliseconds after which `cut` runs; at 0 the caller cuts at once. */
  delay(backend: string, cut: () => void): number {
    if (this.#maxDelayMs === 0) return 0
    const wave = this.#wave(backend)
    wave.lost++
    wave.sessions = Math.max(wave.sessions, this.#sessions.get(backend) ?? 1)
    const atOnce = Math.ceil((wave.sessions * 1000) / this.#maxDelayMs)
    if (wave.lost <= atOnce && wave.waiting === 0) return 0
    const share = Math.min(1, wave.lost / wave.sessions)
    const atMs = wave.startMs + Math.floor((share * this.#maxDelayMs) / INTERVAL_MS) * INTERVAL_MS
    const delayMs = Math.ceil(atMs - this.#clock.now())
    if (delayMs <= 0) return 0
    wave.waiting++
    this.#schedule(atMs, delayMs, () => {
      wave.waiting--
      cut()
    })
    return delayMs
  }

  /** The running wave; a new one when all of the last are through. */
  #wave(backend: string): Wave {
    const last = this.#waves.get(backend)
    const now = this.#clock.now()
    if (last !== undefined && (last.waiting > 0 || now < last.startMs + this.#maxDelayMs)) return last
    const startMs = now + Math.floor(this.#clock.random() * INTERVAL_MS)
    const wave = { startMs, sessions: 1, lost: 0, waiting: 0 }
    this.#waves.set(backend, wave)
    return wave
  }

  /** Clients that go at the same time share a timer. */
  #schedule(atMs: number, delayMs: number, run: () => void): void {
    const batch = this.#batches.get(atMs)
    if (batch !== undefined) {
      batch.push(run)
      return
    }
    this.#batches.set(atMs, [run])
    this.#clock.after(delayMs, () => {
      const due = this.#batches.get(atMs) ?? []
      this.#batches.delete(atMs)
      for (const each of due) each()
    })
  }
}
