import type { Listed } from './collect.ts'
import type { ListOptions } from './options.ts'

/** The inside of a LIST line's first list, in Dovecot's order: `\Noselect \HasChildren \Trash`. */
export function listAttributes(
  { entry, existing, subscribed, hasChildren }: Listed,
  options: ListOptions,
  extended: boolean,
): string {
  const words: string[] = []
  if (options.showSubscribed && subscribed) words.push('\\Subscribed')
  // Who does not know \NonExistent must at least not open it. RFC 5258 §3.
  if (!existing) words.push(extended ? '\\NonExistent' : '\\Noselect')
  else if (!entry.selectable) words.push('\\Noselect')
  if (options.showChildren) words.push(hasChildren ? '\\HasChildren' : '\\HasNoChildren')
  if (entry.noInferiors) words.push('\\NoInferiors')
  if (options.showSpecialUse) words.push(...entry.specialUse)
  return words.join(' ')
}
