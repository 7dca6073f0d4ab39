import { HASH_LIMITS } from './limits.ts'
import { InvalidHash } from './scheme.ts'

/** Takes microseconds in libcrypt: traditional DES, `$1$`, `$3$`. Less than handing it to a thread. */
export function isQuickCrypt(setting: string): boolean {
  return /^(?:[./0-9A-Za-z]{2}|\$[13]\$)/.test(setting)
}

/** Memory that libcrypt will need, in KiB. Throws InvalidHash when the setting asks for more than HASH_LIMITS. */
export function checkCryptCost(setting: string): number {
  const rounds = /^\$(?:[56]\$rounds=|sha1\$|md5,rounds=)(\d+)\$/.exec(setting)?.[1]
  if (rounds !== undefined) checkRounds(Number(rounds))
  const memoryKiB = memoryOf(setting)
  if (memoryKiB <= HASH_LIMITS.memoryKiB) return memoryKiB
  throw new InvalidHash(`Password hash needs ${memoryKiB} KiB of memory, the limit is ${HASH_LIMITS.memoryKiB}`)
}

function checkRounds(rounds: number): void {
  if (rounds <= HASH_LIMITS.shaCryptRounds) return
  throw new InvalidHash(`Password hash needs ${rounds} rounds, the limit is ${HASH_LIMITS.shaCryptRounds}`)
}

/** yescrypt as everybody writes it (`$y$j9T$`: flavour, log2 N, r) and scrypt (`$7$`: log2 N, r, p). */
function memoryOf(setting: string): number {
  if (setting.startsWith('$7$')) {
    const [log2 = 0, ...rest] = setting.slice(3, 14).split('').map(digitValue)
    const blocks = number(rest.slice(0, 5)) * number(rest.slice(5))
    return (2 ** log2 * blocks) / 8
  }
  if (!/^\$g?y\$/.test(setting)) return 0
  const [, log2, r] = /^\$g?y\$j([./0-9A-Za-j])([./0-9A-Za-j])\$/.exec(setting) ?? []
  if (log2 === undefined || r === undefined) throw new InvalidHash('Unknown yescrypt parameters')
  return (2 ** (digitValue(log2) + 1) * (digitValue(r) + 1)) / 8
}

function digitValue(char: string): number {
  return './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'.indexOf(char)
}

/** Digits from the lowest up. */
function number(digits: readonly number[]): number {
  return digits.reduceRight((sum, digit) => sum * 64 + digit, 0)
}
