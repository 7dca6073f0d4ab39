import type { StoreNamespace } from '../../../storage/store.ts'
import { encodeMutf7 } from '../../../util/mutf7.ts'
import { bareCommand } from '../server/command.ts'
import { quoted } from '../wire/argument-writer.ts'

/** NAMESPACE. RFC 2342. Hidden ones stay hidden. */
export const namespace = bareCommand({
  name: 'NAMESPACE',
  needs: 'authenticated',
  run({ out, store }) {
    const lists = (['private', 'shared', 'public'] as const).map((type) => {
      const members = store.namespaces
        .filter((one) => one.type === type && !one.hidden)
        .toSorted((a, b) => (a.order ?? 0) - (b.order ?? 0))
      return members.length === 0 ? 'NIL' : `(${members.map(describe).join('')})`
    })
    out.text(`* NAMESPACE ${lists.join(' ')}\r\n`)
    return { text: 'OK Namespace completed' }
  },
})

function describe({ prefix, separator }: StoreNamespace): string {
  return `(${quoted(encodeMutf7(prefix) ?? '')} ${quoted(separator)})`
}
