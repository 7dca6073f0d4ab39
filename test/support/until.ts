import { PATIENCE_MS, within } from './deadline.ts'

/** One turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Resolves when the condition holds; looked at each turn of the loop. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  let isLate = false
  const looking = (async () => {
    while (!holds() && !isLate) await turn()
  })()
  await within(PATIENCE_MS, () => `never: ${what}`, looking).finally(() => {
    isLate = true
  })
}
