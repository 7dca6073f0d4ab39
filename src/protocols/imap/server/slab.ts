/** Memory that is gathered for one write: twice what makes output full. */
export const SLAB_BYTES = 256 * 1024
/** Kept for whoever says much next; more are only there while as many clients are slow. */
const SPARE = 4

const spare: Buffer[] = []

/** Memory for one who gathers output. */
export function takeSlab(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES)
}

/** Gives memory back that nobody reads from any more. */
export function giveSlab(slab: Buffer): void {
  if (spare.length < SPARE) spare.push(slab)
}
