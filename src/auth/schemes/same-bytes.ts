import { timingSafeEqual } from 'node:crypto'

/** Compares in a time that tells nothing but whether the lengths are equal. */
export function sameBytes(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}
