/** Makes base names that no other message has: `<secs>.M<microsecs>P<pid>.<host>`, as Dovecot does. */

const ORIGIN_MS = performance.timeOrigin
let lastMicros = 0n

/** A new base name, without sizes. Never the same twice in this process, whatever the clock does. */
export function uniqueName(hostname: string): string {
  const now = BigInt(Math.floor((ORIGIN_MS + performance.now()) * 1000))
  lastMicros = now > lastMicros ? now : lastMicros + 1n
  return `${lastMicros / 1_000_000n}.M${lastMicros % 1_000_000n}P${process.pid}.${hostInName(hostname)}`
}

/** A host name as it may stand in a file name and before `:`: both `/` and `:` are written as octal. */
export function hostInName(hostname: string): string {
  return hostname.replaceAll('/', '\\057').replaceAll(':', '\\072')
}
