import { addressMessages } from './corpus/addresses.ts'
import { contentMessages } from './corpus/content.ts'
import type { CorpusMessage } from './corpus/corpus-message.ts'
import { dateMessages } from './corpus/dates.ts'
import { generatedMessages } from './corpus/generated.ts'
import { oddMessages } from './corpus/oddities.ts'
import { deepMessages, structureMessages } from './corpus/structures.ts'
import { textMessages } from './corpus/texts.ts'

/** Every message of the corpus: the same ones each time, in the same order. */
export function corpus(): CorpusMessage[] {
  return [
    ...structureMessages(),
    ...oddMessages(),
    ...addressMessages(),
    ...dateMessages(),
    ...contentMessages(),
    ...textMessages(),
    ...deepMessages(),
    ...generatedMessages(Number(process.env['GEN'] ?? 250)),
  ]
}
