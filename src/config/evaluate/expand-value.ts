import type { ConfigFiles } from '../files.ts'
import type { RawValue } from '../syntax/line.ts'
import { describeFileError, joinPath, readText } from '../syntax/include.ts'
import type { Block } from './block.ts'
import { defaultValues } from './defaults.ts'
import { resolvePath, rootPlace } from './resolve-path.ts'

/** What the value of a setting may be made of. */
export interface ValueSources {
  readonly files: ConfigFiles
  readonly env: ReadonlyMap<string, string>
  /** Whether files and `$names` are replaced; without it only `key = $key more` is, as for `doveconf -n`. */
  readonly expand: boolean
  /** The block that is being read, and those around it, innermost first. */
  readonly blocks: readonly Block[]
}

export type ExpandedValue =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly error: string }

/** The text that a value stands for. `key` is as written, `path` its full path, `file` where it is written. */
export function expandValue(
  value: RawValue,
  key: string,
  path: string,
  file: string,
  from: ValueSources,
): ExpandedValue {
  switch (value.form) {
    case 'text':
      return { ok: true, text: value.text }
    case 'file':
      return from.expand
        ? readValueFile(joinPath(file, value.text), path, from.files)
        : { ok: true, text: `<${value.text}` }
    case 'variables':
      return expandWords(value.text, key, from)
  }
}

function readValueFile(path: string, setting: string, files: ConfigFiles): ExpandedValue {
  try {
    return { ok: true, text: readText(files, path) }
  } catch (error) {
    const why = describeFileError(error)
    // Opening a directory works, reading it does not.
    const error_ = why === 'Is a directory' ? `read(${path}) failed: ${why}` : `Can't open file ${path}: ${why}`
    return { ok: false, error: `${setting}: ${error_}` }
  }
}

/** Words are separated by spaces alone, and joined by one space whatever stood between them. */
function expandWords(text: string, key: string, from: ValueSources): ExpandedValue {
  const words: string[] = []
  for (const word of text.split(/ +/)) {
    const expanded = word.startsWith('$') ? expandWord(word, key, from) : { ok: true as const, text: word }
    if (!expanded.ok) return expanded
    words.push(expanded.text)
  }
  return { ok: true, text: words.join(' ') }
}

function expandWord(word: string, key: string, from: ValueSources): ExpandedValue {
  const name = word.slice(1)
  const isSelf = name === key
  if (!isSelf && !from.expand) return { ok: true, text: word }
  if (name.startsWith('ENV:')) return { ok: true, text: from.env.get(name.slice(4)) ?? '' }
  const [current] = from.blocks
  const target = current && resolvePath(current, rootPlace, name)
  if (target === undefined || target.kind === 'free') return { ok: false, error: `Unknown variable: ${word}` }
  if (target.kind === 'list') return { ok: false, error: `Invalid variable: ${word}` }
  // A setting that is added to itself looks outwards; any other reference sees only its own block.
  const blocks = isSelf ? from.blocks : from.blocks.slice(0, 1)
  const stored = blocks.find((block) => block.values.has(target.path))?.values.get(target.path)
  if (stored !== undefined) return { ok: true, text: stored.text }
  return { ok: true, text: defaultValues.get(target.path) ?? target.row.default }
}
