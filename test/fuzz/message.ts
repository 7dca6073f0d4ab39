/**
 * Mutated messages through everything that reads messages; what breaks a property is shrunk and shown.
 *
 *   node test/fuzz/message.ts [RUNS] [SEED]
 */
import fc from 'fast-check'
import { summarise } from '../../src/storage/message/summarise.ts'
import {
  assertSameHeader,
  assertSameInChunks,
  assertSameSearch,
  assertSectionsFit,
  assertTreeFits,
  chunking,
  mutatedMessage,
} from '../message/properties.ts'

const numRuns = Number(process.argv[2] ?? 20_000)
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31)

console.log(`${numRuns} messages, seed ${seed}`)
fc.assert(
  fc.property(mutatedMessage(), chunking, (message, lengths) => {
    const summary = summarise(message)
    assertTreeFits(message, summary)
    assertSectionsFit(message, summary)
    assertSameInChunks(message, lengths)
    assertSameHeader(message, (lengths[0] ?? 0) * 20)
    assertSameSearch(message, lengths)
  }),
  { numRuns, seed },
)
