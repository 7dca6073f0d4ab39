/** mod-sequence-valzer: 0 to 2^64 - 1. RFC 7162 §7; Dovecot takes the last one too. */

/** `undefined` for what is none. Those beyond any there can be here are the largest that is exact. */
export function parseModSeq(text: string): number | undefined {
  if (!/^\d{1,20}$/.test(text) || BigInt(text) > LARGEST) return undefined
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
}

const LARGEST = 2n ** 64n - 1n
