/** The longest that `delay_until` may hold a login back. */
export const MAX_DELAY_MS = 300_000

export type DelayUntil =
  /** Milliseconds since 1970; `undefined`: the time has passed, no delay. */
  { readonly ok: true; readonly untilMs: number | undefined } | { readonly ok: false; readonly error: string }

/** Reads `T` or `T+N`: Unix seconds and a random whole number below N. Random seconds are added only to a time to come. */
export function parseDelayUntil(value: string, nowMs: number, random: (limit: number) => number): DelayUntil {
  const plus = value.indexOf('+')
  const time = plus < 0 ? value : value.slice(0, plus)
  const extra = plus < 0 ? '0' : value.slice(plus + 1)
  if (!/^\d{1,10}$/.test(extra)) return { ok: false, error: `Invalid delay_until randomness number '${extra}'` }
  if (!/^-?\d{1,15}$/.test(time)) return { ok: false, error: `Invalid delay_until timestamp '${time}'` }
  const timeMs = Number(time) * 1000
  // Dovecot's clock counts whole seconds here.
  const nowSecondMs = Math.floor(nowMs / 1000) * 1000
  if (timeMs <= nowSecondMs) return { ok: true, untilMs: undefined }
  if (timeMs - nowSecondMs > MAX_DELAY_MS) {
    return { ok: false, error: `delay_until timestamp ${time} is too much in the future, failing` }
  }
  const untilMs = timeMs + random(Number(extra)) * 1000
  return { ok: true, untilMs: Math.min(untilMs, nowSecondMs + MAX_DELAY_MS) }
}
