import type { Complaint } from './complaint.ts'
import type { Block } from './evaluate/block.ts'
import { compareSpecificity, isSuperset, mayCoincide } from './filter.ts'
import { printPosition } from './merge.ts'

/**
 * Warns about settings that two blocks set although neither block is the more special one, such as `local` and `protocol`
 * blocks side by side. Dovecot refuses the connections that match both; here the block that counts as more special wins.
 */
export function findLatentConflicts(blocks: readonly Block[]): readonly Complaint[] {
  const complaints: Complaint[] = []
  const filters = blocks.slice(1)
  for (const [index, left] of filters.entries()) {
    for (const right of filters.slice(index + 1)) {
      if (!mayCoincide(left.filter, right.filter)) continue
      const [special, general] = compareSpecificity(left.filter, right.filter) <= 0 ? [left, right] : [right, left]
      if (!isSuperset(general.filter, special.filter)) complaints.push(...conflictsOf(special, general))
    }
  }
  return complaints
}

function conflictsOf(special: Block, general: Block): readonly Complaint[] {
  const plain = [...general.values].filter(([path]) => !path.includes('/') && special.values.has(path))
  return plain.map(([key, { at }]) => {
    const text = `Conflict in setting ${key} found from filter at ${printPosition(general.at)}: connections that match it and the filter at ${printPosition(special.at)} use the latter`
    return { severity: 'warning', text, at }
  })
}
