import { casemap } from './casemap.ts'
import { fieldBit, type HeaderSummary, KEPT_FIELDS, type KeptField } from './message-summary.ts'
import { searchedText, type TextKey } from './search-text.ts'

/** Whether a message matches a key, as far as its summary can tell; `undefined` when it must be read. */
export type SummaryQuestion = (summary: HeaderSummary) => boolean | undefined

const KEPT: ReadonlyMap<string, KeptField> = new Map(KEPT_FIELDS.map((name) => [name, name]))

/** The question to ask of summaries instead of messages; `undefined` for a key that needs the messages themselves. */
export function summaryQuestion(key: TextKey): SummaryQuestion | undefined {
  const field = KEPT.get('name' in key ? key.name.toLowerCase() : key.kind)
  if (field === undefined) return undefined
  // White space in front of a value is not kept.
  if (/^\s/.test(key.value)) return undefined
  const bit = fieldBit(field)
  if (key.value === '')
    return (summary) => summary.field(field) !== undefined || ((summary.partialFields & bit) === 0 ? false : undefined)
  const needle = casemap(key.value)
  return (summary) => {
    const partial = (summary.partialFields & bit) !== 0
    const value = summary.field(field)
    // A value that was cut may end differently for `addresses`, too.
    if (value === undefined || partial) return partial ? undefined : false
    return searchedText(key.kind, value).includes(needle)
  }
}
