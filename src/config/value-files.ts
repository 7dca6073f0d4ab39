import type { SourcePosition } from './complaint.ts'
import type { ConfigInput } from './config.ts'
import { readConfig } from './read.ts'
import { joinPath } from './syntax/include.ts'

/** A setting that takes its value from a file. */
export interface ValueFile {
  readonly setting: string
  readonly path: string
  readonly at: SourcePosition
}

/** Every `setting = <path` of a configuration, in the order of the file; the files themselves are not opened. */
export function findValueFiles(input: ConfigInput): readonly ValueFile[] {
  const { blocks } = readConfig(input, false)
  return blocks.flatMap(({ values }) =>
    [...values]
      .filter(([, { text }]) => text.startsWith('<'))
      .map(([setting, { text, at }]) => ({ setting, path: joinPath(at.file, text.slice(1)), at })),
  )
}
